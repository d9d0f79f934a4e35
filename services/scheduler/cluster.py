"""The allocation kept in step with what the database says of nodes, of what runs and of what waits.

The database is the truth: whatever the last round decided and could not be written is undone by the next look.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from services.kernel.values import Resources
from services.scheduler.core.allocator import Allocator
from services.scheduler.core.ledger import Adopted, Beginning, Changes, Round, Submitted, decide
from services.scheduler.core.records import MAX_CARDS, UNLIMITED, WHOLE
from services.scheduler.core.specs import Job, NodeSpec, QueueSpec, Reserved, Shape, Worker
from services.scheduler.domain import Lease, Node, NodeState, Queue, Workload, WorkloadKind

_DRAINED = "drained"
_FOR_EVER_S = 30 * 86400.0
_USUAL_S = 3600.0
_LASTING = (WorkloadKind.SERVICE, WorkloadKind.NOTEBOOK)


class Cluster:
    """One queue for each project. Times are seconds of the epoch."""

    def __init__(self) -> None:
        self._allocator: Allocator | None = None
        self._nodes: tuple[NodeSpec, ...] = ()
        self._queues: tuple[QueueSpec, ...] = ()
        self._projects: set[str] = set()
        self._running: dict[str, Worker] = {}
        self._waiting: set[str] = set()
        self._overtaken: set[str] = set()

    def decide(
        self,
        nodes: Iterable[Node],
        queues: Iterable[Queue],
        pending: Sequence[Workload],
        leased: Sequence[Workload],
        now: float,
    ) -> Round | None:
        """One round; None when there is no node. A job is a workload, with one worker."""
        try:
            specs = sorted(
                (_node(node) for node in nodes if node.state is not NodeState.LOST), key=lambda spec: spec.name
            )
            self._projects |= {workload.project for workload in (*pending, *leased)}
            asked = {queue.id: queue for queue in queues}
            shares = tuple(_queue(name, asked.get(name)) for name in sorted(self._projects))
            begun = None
            if (tuple(specs), shares) != (self._nodes, self._queues):
                begun = self._begin(tuple(specs), shares, [*pending, *leased])
            if not self._nodes:
                return None
            changes = self._changes(begun, pending, leased, now)
            self._allocator, placed = decide(self._allocator, changes)
        except BaseException:
            self._nodes = ()  # it may have been told a half; the next round begins anew
            raise
        for one in placed:
            self._waiting.discard(one.job)
            self._running[one.job] = one.workers[0]
        return Round(changes, placed)

    def kept(self) -> list[Reserved]:
        """Nodes that are kept for workloads, as of the last round."""
        return self._allocator.reserved() if self._allocator else []

    def _begin(
        self, nodes: tuple[NodeSpec, ...], queues: tuple[QueueSpec, ...], workloads: Iterable[Workload]
    ) -> Beginning:
        """Begin anew, since nodes and queues of an allocation are fixed."""
        self._overtaken = self._allocator.overtaken() if self._allocator else set()
        self._nodes, self._queues = nodes, queues
        self._running, self._waiting = {}, set()
        popular = Counter(shape_of(workload) for workload in workloads)
        return Beginning(nodes, queues, tuple((shape, float(count)) for shape, count in popular.items()))

    def _changes(
        self, begun: Beginning | None, pending: Sequence[Workload], leased: Sequence[Workload], now: float
    ) -> Changes:
        """What the allocation does not know yet; from here on it is taken to know it."""
        names = {node.name for node in self._nodes}
        held = {workload.id: _held(workload.lease) for workload in leased if workload.lease}
        held = {workload_id: worker for workload_id, worker in held.items() if worker[0] in names}
        waiting = {workload.id for workload in pending}
        ended = tuple(one for one, worker in self._running.items() if held.get(one) != worker)
        for workload_id in ended:
            del self._running[workload_id]
        changes = Changes(
            at=now,
            begun=begun,
            ended=ended,
            withdrawn=tuple(sorted(self._waiting - waiting)),
            adopted=tuple(
                Adopted(_job(one), (held[one.id],), (one.placed_at or one.updated_at).timestamp())
                for one in leased
                if one.id in held and one.id not in self._running
            ),
            submitted=tuple(
                Submitted(_job(one), overtaken=one.id in self._overtaken)
                for one in pending
                if one.id not in self._waiting
            ),
        )
        self._running, self._waiting = held, waiting
        return changes


def _queue(name: str, asked: Queue | None) -> QueueSpec:
    if asked is None:
        return QueueSpec(name)
    limits = tuple(amount or UNLIMITED for amount in asked.quota.amounts())
    return QueueSpec(name, weight=asked.weight, quota=limits, guarantee=asked.guarantee.amounts())


def shape_of(workload: Workload) -> Shape:
    """A gang runs on one node, and is therefore one worker here."""
    needs = workload.spec.total
    cards = cards_of(needs)
    return Shape(
        amounts=(needs.cpu_millis, needs.memory_bytes),
        cards=cards,
        card_share=needs.gpu_millis // cards if cards else WHOLE,
        card_memory=needs.gpu_memory_bytes // cards if cards else 0,
        labels=frozenset({("engine", frozenset({workload.spec.engine}))}),
    )


def cards_of(needs: Resources) -> int:
    """How many cards it takes; a share of a card is one."""
    return -(-needs.gpu_millis // WHOLE)


def _node(node: Node) -> NodeSpec:
    cards = min(node.capacity.gpu_millis // WHOLE, MAX_CARDS)
    return NodeSpec(
        name=node.id,
        amounts=(node.capacity.cpu_millis, node.capacity.memory_bytes),
        cards=cards,
        card_memory=node.capacity.gpu_memory_bytes // cards if cards else 0,
        labels=frozenset({("engine", node.engine)}),
        taints=frozenset({_DRAINED}) if node.drained else frozenset(),
    )


def _held(lease: Lease) -> Worker:
    return lease.node_id, tuple(lease.cards)


def _job(workload: Workload) -> Job:
    submitted = workload.created_at.timestamp()
    lasts = _FOR_EVER_S if workload.spec.kind in _LASTING else workload.spec.time_limit_s or _USUAL_S
    return Job(workload.id, workload.project, shape_of(workload), submitted, float(lasts))

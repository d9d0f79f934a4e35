"""Queues as people see them: who has how much, who waits, and why."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.kernel.entity import DEFAULT_PROJECT
from services.kernel.values import Resources
from services.scheduler.domain import Node, NodeState, Queue, Workload, WorkloadState
from services.scheduler.explanation import Explanation
from services.scheduler.ports import Queues

AMOUNTS = tuple(field for field in Resources.__dataclass_fields__)


@dataclass(frozen=True)
class Total:
    """What a project's workloads come to."""

    used: Resources = field(default_factory=Resources)
    running: int = 0
    waiting: int = 0
    waiting_since: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """A queue with what its project has; `share` is its largest part of any resource, divided by its weight."""

    id: str
    weight: float
    quota: Resources
    guarantee: Resources
    etag: str
    used: Resources
    running: int
    waiting: int
    waiting_since: datetime | None
    share: float


@dataclass(frozen=True)
class Shortage:
    """One resource that a workload waits for, on the nodes that would be large enough when empty."""

    resource: str
    needed: int
    most_free: int
    nodes_short: int
    nodes: int


@dataclass(frozen=True)
class Explained:
    """See the message WorkloadExplanation."""

    workload_id: str
    state: WorkloadState
    reason: str
    queue: str = ""
    position: int = 0
    waiting: int = 0
    share: float = 0.0
    queues_before: int = 0
    shortages: tuple[Shortage, ...] = ()
    expected_start_at: datetime | None = None


def standings(queues: Iterable[Queue], totals: Mapping[str, Total], nodes: Iterable[Node]) -> list[Standing]:
    """By name: projects with workloads, those that were given a weight or limits, and the one that is always there."""
    known = {queue.id: queue for queue in queues}
    capacity = sum((node.capacity for node in nodes if node.state is NodeState.READY), Resources())
    found = []
    for name in sorted({DEFAULT_PROJECT, *known, *totals}):
        queue, total = known.get(name) or Queue(id=name), totals.get(name) or Total()
        found.append(
            Standing(
                id=name,
                weight=queue.weight,
                quota=queue.quota,
                guarantee=queue.guarantee,
                etag=queue.etag,
                used=total.used,
                running=total.running,
                waiting=total.waiting,
                waiting_since=total.waiting_since,
                share=dominant_share(total.used, capacity) / queue.weight,
            )
        )
    return found


def dominant_share(used: Resources, capacity: Resources) -> float:
    """The largest part of any resource (Ghodsi et al., NSDI 2011); one that nobody has does not count."""
    pairs = zip(used.amounts(), capacity.amounts(), strict=True)
    return max((amount / whole for amount, whole in pairs if whole), default=0.0)


def update(queues: Queues, name: str, change: Callable[[Queue], None]) -> Queue:
    """Set what a project may have; its queue need not be known yet."""
    queue = queues.find_one(id=name)
    if queue is None:
        queue = Queue(id=name, project=name)
        change(queue)
        queues.add(queue)
    else:
        change(queue)
        queues.save(queue)
    return queue


def explain(workload: Workload, before: int, all_: Sequence[Standing], explanation: Explanation) -> Explained:
    """`before` is how many of its queue wait in front of it."""
    told = Explained(workload.id, workload.state, workload.waiting_reason)
    if workload.state is not WorkloadState.PENDING:
        return told
    mine = next(standing for standing in all_ if standing.id == workload.project)
    ahead = [other for other in all_ if other.waiting and other.share < mine.share]
    return replace(
        told,
        reason=told.reason or explanation.why(workload).text,
        queue=mine.id,
        position=before + 1,
        waiting=mine.waiting,
        share=mine.share,
        queues_before=len(ahead),
        shortages=shortages(workload, explanation),
        expected_start_at=workload.expected_start_at,
    )


def shortages(workload: Workload, explanation: Explanation) -> tuple[Shortage, ...]:
    needs = workload.spec.total
    rooms = explanation.large_enough(workload.spec.engine, needs)
    found = []
    for name, needed in zip(AMOUNTS, needs.amounts(), strict=True):
        free = [getattr(room.free, name) for room in rooms]
        short = sum(amount < needed for amount in free)
        if short:
            found.append(Shortage(name, needed, max(0, *free), short, len(rooms)))
    return tuple(found)

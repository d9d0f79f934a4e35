"""Rounds of the scheduler: who gets a lease, and whose node is lost."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.kernel import tracing
from services.kernel.errors import Conflict, DomainError, Unavailable
from services.kernel.logging import about, get_logger
from services.kernel.values import Resources
from services.scheduler.cluster import Cluster
from services.scheduler.core.ledger import Round
from services.scheduler.domain import LEASED, Node, NodeState, Workload, WorkloadState
from services.scheduler.explanation import Explanation, Reason, taken_by
from services.scheduler.handlers.known import KnownWorkloads
from services.scheduler.ports import Fences, Ledger, Nodes, Queues, Transaction, Workloads

LOST_AFTER_S = 15.0
_BLIND_AFTER_S = 5.0
_ROUND_LIMIT = 10_000
_EXPLAIN_LIMIT = 20
_EXPLAIN_EVERY_S = 1.0
_TOGETHER = 64
_WRITE_EVERY_S = 1.0

Granted = tuple[Workload, str, tuple[int, ...]]
"""A workload, and the node and cards that it gets."""

log = get_logger(__name__)


def allocated_by_node(leased: Iterable[Workload]) -> Mapping[str, Resources]:
    """The ledger, always derived from the leases."""
    found: dict[str, Resources] = {}
    for workload in leased:
        if workload.lease is not None:
            node_id = workload.lease.node_id
            found[node_id] = found.get(node_id, Resources()) + workload.lease.resources
    return found


def leased_workloads(workloads: Workloads) -> list[Workload]:
    return workloads.select({"state": {"$in": list(LEASED)}})


@dataclass
class Placement:
    """One round: decide on what is, then grant the leases, many in one transaction.

    A round is written to the ledger together with its leases. Of rounds that granted nothing a `kill -9` loses those of
    the last second, and the allocation begins anew after it anyway.
    """

    workloads: Workloads
    nodes: Nodes
    queues: Queues
    fences: Fences
    ledger: Ledger
    transaction: Transaction
    clock: Callable[[], float] = time.monotonic
    time: Callable[[], float] = time.time
    _cluster: Cluster = field(default_factory=Cluster)
    _unwritten: list[Round] = field(default_factory=list)
    _written_at: float = float("-inf")
    _explained_at: float = float("-inf")

    def __post_init__(self) -> None:
        self._pending = KnownWorkloads(self.workloads, {"state": WorkloadState.PENDING}, limit=_ROUND_LIMIT)
        self._leased = KnownWorkloads(self.workloads, {"state": {"$in": list(LEASED)}})

    def run(self) -> None:
        try:
            self._round()
        except BaseException:
            # Whether it was written is not known. The next round begins anew, and a replay does so there as well.
            self._cluster, self._unwritten = Cluster(), []
            raise

    def _round(self) -> None:
        pending = {workload.id: workload for workload in self._pending.select()}
        if pending:
            self._decide(pending)
        if self._unwritten and self.clock() - self._written_at >= _WRITE_EVERY_S:
            self._write_with(lambda: None)

    def _decide(self, pending: dict[str, Workload]) -> None:
        nodes, queues, leased = self.nodes.find(), self.queues.find(), self._leased.select()
        decided = self._cluster.decide(nodes, queues, list(pending.values()), leased, self.time())
        if decided is not None:
            self._unwritten.append(decided)
        granted = [(pending.pop(placed.job), *placed.workers[0]) for placed in (decided.placed if decided else ())]
        for first in range(0, len(granted), _TOGETHER):
            self._grant_all(granted[first : first + _TOGETHER])
        if pending and self.clock() - self._explained_at >= _EXPLAIN_EVERY_S:
            taken = [*taken_by(leased), *((one.project, node_id, one.spec.total) for one, node_id, _ in granted)]
            explanation = Explanation(nodes, queues, taken, self._cluster.kept())
            self._explain_all([(workload, explanation.why(workload)) for workload in pending.values()])

    def _explain_all(self, waiting: Sequence[tuple[Workload, Reason]]) -> None:
        """Tell the first of a long queue now and the others later: each of them is a transaction."""
        unexplained = [(workload, reason) for workload, reason in waiting if not reason.is_told_by(workload)]
        for workload, reason in unexplained[:_EXPLAIN_LIMIT]:
            self._explain(workload, reason)
        if unexplained:
            self._explained_at = self.clock()

    def _write_with(self, work: Callable[[], None]) -> None:
        """A transaction with rounds that the ledger has not got yet."""
        rounds = tuple(self._unwritten)

        def all_() -> None:
            self.ledger.append(rounds)
            work()

        self.transaction(all_)
        self._unwritten.clear()
        self._written_at = self.clock()

    def _grant_all(self, granted: Sequence[Granted]) -> None:
        """Grant together; when one of them is refused, such as one that was changed meanwhile, each on its own."""

        def work() -> None:
            current = {one.id: one for one in self.workloads.select({"id": {"$in": [one.id for one, *_ in granted]}})}
            first = self.fences.take(len(granted))
            for fence, (workload, node_id, cards) in enumerate(granted, first):
                self._grant(current.get(workload.id), node_id, cards, fence)

        try:
            self._write_with(work)
        except DomainError as error:
            if isinstance(error, Unavailable) or error.reason == "FENCED":
                raise
            if len(granted) > 1:
                for one in granted:
                    self._grant_all([one])
            elif isinstance(error, Conflict):
                log.info("placement_overtaken")  # the change that overtook it wakes the next round
            else:
                raise

    def _grant(self, workload: Workload | None, node_id: str, cards: tuple[int, ...], fence: int) -> None:
        if workload is None or workload.state is not WorkloadState.PENDING:
            return
        with (
            tracing.span("scheduler.place", traceparent=workload.traceparent, attributes=_told(workload, node_id)),
            about(workload_id=workload.id, **workload.related_ids),
        ):
            workload.place(node_id, fence, cards)
            self.workloads.save(workload)

    def _explain(self, workload: Workload, reason: Reason) -> None:
        def work() -> None:
            current = replace(workload, waiting_reason=reason.text, expected_start_at=reason.expected_start_at)
            self.workloads.save(current)

        with about(workload_id=workload.id, **workload.related_ids):
            try:
                self.transaction(work)
            except Conflict as error:
                if error.reason == "FENCED":
                    raise
                log.info("placement_overtaken")  # the change that overtook it wakes the next round


def _told(workload: Workload, node_id: str) -> dict[str, str]:
    return {"modelyard.workload_id": workload.id, "modelyard.node_id": node_id, **workload.related_ids}


@dataclass
class NodeLoss:
    """Finds nodes without heartbeats and lets their workloads wait again.

    A heartbeat's age is measured by this process: from when it saw it first. So neither clocks that differ nor a
    database or control process that was away makes a node look lost.
    """

    workloads: Workloads
    nodes: Nodes
    transaction: Transaction
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, tuple[datetime, float]] = field(default_factory=dict)
    _last_run: float = float("-inf")

    def run(self) -> None:
        now = self.clock()
        if now - self._last_run > _BLIND_AFTER_S:
            self._seen.clear()
        self._last_run = now
        nodes = {node.id: node for node in self.nodes.find()}
        for node in nodes.values():
            if node.state is NodeState.READY and self._silent(node, now):
                self._lose(node)
        for workload in leased_workloads(self.workloads):
            node_of = nodes.get(workload.lease.node_id) if workload.lease else None
            if node_of is None or node_of.state is NodeState.LOST:
                self._requeue(workload.id, workload.fence, node_of)

    def _silent(self, node: Node, now: float) -> bool:
        beat, since = self._seen.get(node.id, (None, now))
        if beat != node.last_heartbeat_at:
            self._seen[node.id] = (node.last_heartbeat_at, now)
            return False
        return now - since > LOST_AFTER_S

    def _lose(self, node: Node) -> None:
        log.warning("node_lost", node_id=node.id, name=node.name)
        node.state = NodeState.LOST
        self.transaction(lambda: self.nodes.save(node))

    def _requeue(self, workload_id: str, fence: int, node: Node | None) -> None:
        def work() -> None:
            current = self.workloads.get(workload_id)
            if current.lease is not None and current.fence == fence:
                current.lose(node.name if node else "")
                self.workloads.save(current)

        log.warning("workload_lost", workload_id=workload_id, fence=fence)
        self.transaction(work)

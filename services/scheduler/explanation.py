"""Why a workload waits, in a sentence for the one who waits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.kernel.values import Resources
from services.scheduler.core.specs import Reserved
from services.scheduler.domain import Node, NodeState, Queue, Workload

Taken = tuple[str, str, Resources]
"""A project, a node, and what the project has there."""


def taken_by(leased: Iterable[Workload]) -> list[Taken]:
    return [(one.project, one.lease.node_id, one.lease.resources) for one in leased if one.lease is not None]


@dataclass(frozen=True)
class Reason:
    text: str
    expected_start_at: datetime | None = None

    def is_told_by(self, workload: Workload) -> bool:
        return (workload.waiting_reason, workload.expected_start_at) == (self.text, self.expected_start_at)


@dataclass(frozen=True)
class Room:
    """A node that takes new workloads, and what is free on it."""

    node: Node
    free: Resources


class Explanation:
    """As of the end of a round: nodes, queues, what is taken, and which nodes are kept for whom."""

    def __init__(
        self, nodes: Iterable[Node], queues: Iterable[Queue], taken: Iterable[Taken], kept: Sequence[Reserved]
    ) -> None:
        on_node: dict[str, Resources] = {}
        self._of_project: dict[str, Resources] = {}
        for project, node_id, resources in taken:
            on_node[node_id] = on_node.get(node_id, Resources()) + resources
            self._of_project[project] = self._of_project.get(project, Resources()) + resources
        self._rooms: dict[str, list[Room]] = {}
        for node in nodes:
            if node.state is NodeState.READY and not node.drained:
                room = Room(node, node.capacity - on_node.get(node.id, Resources()))
                self._rooms.setdefault(node.engine, []).append(room)
        self._quotas = {queue.id: queue.quota for queue in queues}
        self._kept = {one.job: one for one in kept}
        self._keeper = {node_id: one for one in kept for node_id in one.nodes}
        self._known: dict[tuple[str, str, Resources], str] = {}

    def why(self, workload: Workload) -> Reason:
        mine = self._kept.get(workload.id)
        if mine is not None:
            start = datetime.fromtimestamp(mine.start, UTC).replace(second=0, microsecond=0)
            text = f"It is next: a node is kept for it and expected to be free at {_clock(mine.start)}."
            return Reason(text, start)
        key = (workload.project, workload.spec.engine, workload.spec.total)
        if key not in self._known:
            self._known[key] = self._over_quota(workload.project, key[2]) or self._why(*key[1:])
        return Reason(self._known[key])

    def large_enough(self, engine: str, needs: Resources) -> list[Room]:
        """Nodes that would hold so much if nothing ran on them."""
        return [room for room in self._rooms.get(engine, []) if needs.fits_into(room.node.capacity)]

    def _over_quota(self, project: str, needs: Resources) -> str:
        used, quota = self._of_project.get(project, Resources()), self._quotas.get(project, Resources())
        for index, limit in enumerate(quota.amounts()):
            if limit and used.amounts()[index] + needs.amounts()[index] > limit:
                may, has = _told(index, limit), _told(index, used.amounts()[index])
                return f"It needs {_told(index, needs.amounts()[index])}; its project may use {may} and has {has}."
        return ""

    def _why(self, engine: str, needs: Resources) -> str:
        rooms = self._rooms.get(engine, [])
        if not rooms:
            return f"It waits for a node: none of the engine {engine} is there."
        large_enough = self.large_enough(engine, needs)
        if not large_enough:
            return _too_large(needs, [room.node.capacity for room in rooms])
        roomy = [room.node.id for room in large_enough if needs.fits_into(room.free)]
        keepers = [self._keeper[node_id] for node_id in roomy if node_id in self._keeper]
        if keepers:
            start = _clock(min(one.start for one in keepers))
            return f"There is room, but it is kept for another that has waited longer, until {start}."
        return _busy(needs, large_enough)


def _clock(epoch_s: float) -> str:
    return f"{datetime.fromtimestamp(epoch_s, UTC):%H:%M} UTC"


def _too_large(needs: Resources, capacities: Sequence[Resources]) -> str:
    for index, amount in enumerate(needs.amounts()):
        largest = max(capacity.amounts()[index] for capacity in capacities)
        if amount > largest:
            return f"It needs {_told(index, amount)}; the largest node has {_told(index, largest)}."
    return "No node has all that it needs together, however long it waits."


def _busy(needs: Resources, rooms: Sequence[Room]) -> str:
    for index, amount in enumerate(needs.amounts()):
        if all(amount > room.free.amounts()[index] for room in rooms):
            whole = sum(room.node.capacity.amounts()[index] for room in rooms)
            in_use = whole - sum(room.free.amounts()[index] for room in rooms)
            return f"It waits for {_told(index, amount)}: {_told(index, in_use)} of {_told(index, whole)} are in use."
    return "It waits until what it needs is free on one node."


def _told(index: int, amount: int) -> str:
    if index in (0, 2):
        noun = ("core", "", "GPU card")[index]
        return f"{amount / 1000:g} {noun}{'' if amount == 1000 else 's'}"
    return f"{amount / (1 << 30):.1f} GiB of {'memory' if index == 1 else 'GPU memory'}"

"""Who gets what next: a pure function of nodes, pending workloads and what is in use.

Least dominant share first (DRF: Ghodsi et al., NSDI 2011) over the queues of the projects; a gang is placed whole, on
one node, or not at all. Equal input gives equal output, in whatever order it is listed.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.kernel.values import Resources


@dataclass(frozen=True)
class NodeView:
    """A node that is ready, with what its leases take."""

    id: str
    engine: str
    capacity: Resources
    allocated: Resources = field(default_factory=Resources)

    @property
    def free(self) -> Resources:
        return self.capacity - self.allocated


@dataclass(frozen=True)
class Request:
    """A pending workload: all that its gang needs together. Ids grow with time."""

    id: str
    queue: str
    engine: str
    needs: Resources


@dataclass(frozen=True)
class Placement:
    request_id: str
    node_id: str


@dataclass(frozen=True)
class Waiting:
    """`reason` is a sentence for the one who waits."""

    request_id: str
    reason: str


@dataclass(frozen=True)
class Round:
    """The decisions of one round, placements in the order in which they were made."""

    placements: list[Placement]
    waiting: list[Waiting]


def allocate(nodes: Iterable[NodeView], pending: Iterable[Request], usage: Mapping[str, Resources]) -> Round:
    """Place what fits. `usage` is what each queue has leased already, on nodes of the list or others."""
    ledger = _Ledger(nodes)
    queues: dict[str, list[Request]] = {}
    for request in sorted(pending, key=lambda item: item.id, reverse=True):
        queues.setdefault(request.queue, []).append(request)
    used = {queue: usage.get(queue, Resources()) for queue in queues}
    heap = [(dominant_share(used[queue], ledger.capacity), queue) for queue in queues]
    heapq.heapify(heap)
    made = Round([], [])
    while heap:
        _, queue = heapq.heappop(heap)
        request = queues[queue].pop()
        node_id = ledger.place(request)
        if node_id is None:
            made.waiting.append(Waiting(request.id, ledger.why_not(request)))
        else:
            used[queue] += request.needs
            made.placements.append(Placement(request.id, node_id))
        if queues[queue]:
            heapq.heappush(heap, (dominant_share(used[queue], ledger.capacity), queue))
    return made


def dominant_share(used: Resources, capacity: Resources) -> float:
    """The largest share of any resource; a resource that nobody has does not count."""
    pairs = zip(used.amounts(), capacity.amounts(), strict=True)
    return max((amount / whole for amount, whole in pairs if whole), default=0.0)


class _Ledger:
    """What is free during a round. It only shrinks, so what did not fit once need not be tried again."""

    def __init__(self, nodes: Iterable[NodeView]) -> None:
        self._nodes = sorted(nodes, key=lambda node: node.id)
        self._free = {node.id: node.free for node in self._nodes}
        self.capacity = sum((node.capacity for node in self._nodes), Resources())

    def place(self, request: Request) -> str | None:
        """The tightest node that holds the request, which it takes from; None when there is none."""
        fitting = [
            node
            for node in self._nodes
            if node.engine == request.engine and request.needs.fits_into(self._free[node.id])
        ]
        if not fitting:
            return None
        best = min(fitting, key=lambda node: (_left(self._free[node.id] - request.needs, node.capacity), node.id))
        self._free[best.id] -= request.needs
        return best.id

    def why_not(self, request: Request) -> str:
        nodes = [node for node in self._nodes if node.engine == request.engine]
        if not nodes:
            return f"It waits for a node: none of the engine {request.engine} is there."
        if not any(request.needs.fits_into(node.capacity) for node in nodes):
            return _too_large(request.needs, [node.capacity for node in nodes])
        large_enough = [node for node in nodes if request.needs.fits_into(node.capacity)]
        return _busy(request.needs, large_enough, [self._free[node.id] for node in large_enough])


def _left(free: Resources, capacity: Resources) -> float:
    shares = [amount / whole for amount, whole in zip(free.amounts(), capacity.amounts(), strict=True) if whole]
    return sum(shares) / len(shares) if shares else 0.0


def _too_large(needs: Resources, capacities: Sequence[Resources]) -> str:
    for index, amount in enumerate(needs.amounts()):
        largest = max(capacity.amounts()[index] for capacity in capacities)
        if amount > largest:
            return f"It needs {_told(index, amount)}; the largest node has {_told(index, largest)}."
    return "No node has all that it needs together, however long it waits."


def _busy(needs: Resources, nodes: Sequence[NodeView], free: Sequence[Resources]) -> str:
    for index, amount in enumerate(needs.amounts()):
        if all(amount > left.amounts()[index] for left in free):
            whole = sum(node.capacity.amounts()[index] for node in nodes)
            in_use = whole - sum(left.amounts()[index] for left in free)
            return f"It waits for {_told(index, amount)}: {_told(index, in_use)} of {_told(index, whole)} are in use."
    return "It waits until what it needs is free on one node."


def _told(index: int, amount: int) -> str:
    if index in (0, 2):
        noun = ("core", "", "GPU card")[index]
        return f"{amount / 1000:g} {noun}{'' if amount == 1000 else 's'}"
    return f"{amount / (1 << 30):.1f} GiB of {'memory' if index == 1 else 'GPU memory'}"

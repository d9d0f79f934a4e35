"""What the allocation is told: nodes, queues, jobs. Amounts are whole numbers, one for each node-level resource."""

from dataclasses import dataclass

from services.scheduler.core.records import WHOLE

ANY_NUMBER = 1 << 20

Worker = tuple[str, tuple[int, ...]]
"""The name of the node that one worker of a job runs on, and the cards that it has there."""


@dataclass(frozen=True)
class NodeSpec:
    """A node. It takes what its labels satisfy and what tolerates all of its taints."""

    name: str
    amounts: tuple[int, ...]
    cards: int = 0
    card_memory: int = 0
    labels: frozenset[tuple[str, str]] = frozenset()
    taints: frozenset[str] = frozenset()
    domain: str = ""
    """Of the network: gangs keep within one where they can."""


@dataclass(frozen=True)
class QueueSpec:
    """A queue; `parent` is "" for those right below the root. Guarantees and quotas count resources, thousandths of
    cards, and bytes of their memory."""

    name: str
    parent: str = ""
    weight: float = 1.0
    guarantee: tuple[int, ...] | None = None
    quota: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Shape:
    """What one worker needs, and of what nodes."""

    amounts: tuple[int, ...]
    cards: int = 0
    card_share: int = WHOLE
    """Thousandths of each card; less than a whole one only for one card."""
    card_memory: int = 0
    """Bytes of each card."""
    labels: frozenset[tuple[str, frozenset[str]]] = frozenset()
    """Labels that a node must have, each with one of the values."""
    tolerates: frozenset[str] = frozenset()
    per_node: int = ANY_NUMBER
    """Workers of one gang that a node may take."""

    def allowed_on(self, node: NodeSpec) -> bool:
        known = dict(node.labels)
        return node.taints <= self.tolerates and all(known.get(name) in values for name, values in self.labels)


@dataclass(frozen=True)
class Job:
    """A gang of equal workers, or a single one. Times are in seconds."""

    id: str
    queue: str
    shape: Shape
    submitted: float
    estimate: float
    """How long it is expected to run."""
    workers: tuple[int, int] = (1, 1)
    """At least and at most; fewer are never placed."""
    rank: float | None = None
    """Its order within its queue, least first; the time of submission if None."""


@dataclass(frozen=True)
class Reserved:
    """Nodes that are kept for a waiting job, and when it is expected to start."""

    job: str
    start: float
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Placed:
    """A job that starts, with the node and the cards of each of its workers."""

    job: str
    workers: tuple[Worker, ...]

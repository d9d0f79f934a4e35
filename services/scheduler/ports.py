"""What the use cases need from the outside, and what an agent needs from the scheduler."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from services.kernel.values import Resources
from services.scheduler.core.ledger import Round
from services.scheduler.domain import Assignment, MetricPoint, Node, Queue, Report, Workload

Transaction = Callable[[Callable[[], None]], None]


class Workloads(Protocol):
    def get(self, entity_id: str) -> Workload: ...
    def add(self, entity: Workload) -> None: ...
    def save(self, entity: Workload) -> None: ...
    def find_one(self, **equals: object) -> Workload | None: ...
    def select(self, query: Mapping[str, object], *, limit: int = 0) -> list[Workload]: ...
    def versions(self, query: Mapping[str, object], *, limit: int = 0) -> dict[str, int]: ...


class Nodes(Protocol):
    def get(self, entity_id: str) -> Node: ...
    def add(self, entity: Node) -> None: ...
    def save(self, entity: Node) -> None: ...
    def find(self, **equals: object) -> list[Node]: ...
    def find_one(self, **equals: object) -> Node | None: ...


class Queues(Protocol):
    def add(self, entity: Queue) -> None: ...
    def save(self, entity: Queue) -> None: ...
    def find(self, **equals: object) -> list[Queue]: ...
    def find_one(self, **equals: object) -> Queue | None: ...


class Fences(Protocol):
    def take(self, count: int) -> int:
        """The first of `count` numbers in a row, all larger than any before; called inside a transaction."""


class Ledger(Protocol):
    def append(self, rounds: Sequence[Round]) -> None:
        """Number the rounds on; called inside a transaction."""


class Logs(Protocol):
    """One log a workload. A new lease (fence) goes on where the last one ended; its offsets count from there."""

    def append(self, workload_id: str, fence: int, offset: int, data: bytes, limit: int) -> int:
        """Take what is new of `data` and return the next offset; bytes past `limit` in the whole log are dropped."""

    def read(self, workload_id: str, offset: int) -> bytes:
        """Up to a mebibyte from `offset` of the whole log; empty at its end."""


class Points(Protocol):
    """Metric points of a workload. A new lease goes on counting where the last one ended: earlier points stay."""

    def append(self, workload_id: str, fence: int, points: Sequence[MetricPoint]) -> None:
        """Take the points that are new by their index, which counts from 1 under each fence."""

    def list(self, workload_id: str, *, name: str, after: int, limit: int) -> Sequence[MetricPoint]:
        """Points with an index above `after`, in order; an empty `name` means all."""


class SchedulerPort(Protocol):
    """The scheduler as an agent sees it. Raises Conflict (FENCED) for a lease that is not the agent's any more."""

    def heartbeat(self, node_id: str, name: str, engine: str, capacity: Resources) -> float:
        """Say that the node is there; seconds until the next heartbeat."""

    def ended(self, workload_ids: Sequence[str]) -> Sequence[str]:
        """Those of them (at most 1000) that have ended or are not known any more."""

    def watch(self, node_id: str) -> Iterator[list[Assignment]]:
        """All assignments of the node, now and after each change. Ends or raises Unavailable when the stream breaks."""

    def report(self, report: Report) -> None: ...

    def append_log(self, report: Report, offset: int, data: bytes) -> int:
        """Ship log bytes; the offset at which the next chunk begins."""

    def append_points(self, report: Report, points: Sequence[MetricPoint]) -> None: ...

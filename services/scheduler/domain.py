"""Workloads and nodes: their states and what may follow on what."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.kernel.entity import Entity, utc_now
from services.kernel.errors import Conflict, FailedPrecondition
from services.kernel.values import BundleRef, Resources

MAX_ATTEMPTS = 3
"""How often a workload is started before a lost node ends it."""

PROCESS = "process"
TRITON = "triton"


class WorkloadState(StrEnum):
    PENDING = "pending"
    PLACED = "placed"
    RUNNING = "running"
    STOPPING = "stopping"
    EXITED = "exited"


LEASED = (WorkloadState.PLACED, WorkloadState.RUNNING, WorkloadState.STOPPING)


class ExitReason(StrEnum):
    COMPLETED = "completed"
    ERROR = "error"
    OUT_OF_MEMORY = "out_of_memory"
    TIME_LIMIT = "time_limit"
    CANCELLED = "cancelled"
    LOST = "lost"
    NOT_STARTED = "not_started"
    OUTPUT_TOO_LARGE = "output_too_large"


class WorkloadKind(StrEnum):
    TRAINING = "training"
    EVALUATION = "evaluation"
    SERVICE = "service"
    NOTEBOOK = "notebook"
    STEP = "step"


class NodeState(StrEnum):
    READY = "ready"
    LOST = "lost"


@dataclass(frozen=True)
class WorkloadInput:
    """Something laid into the work folder at `path`; exactly one of the sources is set. `blob` is a SHA-256."""

    path: str
    bundle: BundleRef | None = None
    blob: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class WorkloadSpec:
    """What is to run; see the message of the same name."""

    name: str
    kind: WorkloadKind
    engine: str
    resources: Resources
    subject: str = ""
    workers: int = 1
    command: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    inputs: tuple[WorkloadInput, ...] = ()
    network: bool = False
    time_limit_s: int = 0
    grace_s: int = 0
    log_limit_bytes: int = 0
    output_limit_bytes: int = 0

    @property
    def related_ids(self) -> dict[str, str]:
        """The subject as an id: `run/task-1-2` is the `run_id` task-1-2."""
        kind, _, rest = self.subject.partition("/")
        return {f"{kind}_id": rest.partition("/")[0]} if rest else {}

    @property
    def total(self) -> Resources:
        """What the whole gang takes."""
        return self.resources.times(self.workers)


@dataclass(frozen=True)
class Lease:
    """Resources of a node, granted under the number `fence`, which grows with every lease; `cards` by their numbers."""

    node_id: str
    fence: int
    resources: Resources
    cards: tuple[int, ...] = ()


@dataclass(frozen=True)
class WorkloadExit:
    reason: ExitReason
    message: str
    code: int = 0
    signal: int = 0
    outputs: BundleRef | None = None
    log_bytes: int = 0
    peak_memory_bytes: int = 0


@dataclass(frozen=True)
class WorkloadStep:
    """One step that the algorithm reports; `state` is `running` or `finished`."""

    name: str
    state: str
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(kw_only=True)
class Node(Entity):
    """A machine, or the share of an engine such as Triton, that says by heartbeats that it is there.

    One that is drained takes nothing new, whether it goes and comes back meanwhile or not.
    """

    name: str
    engine: str
    capacity: Resources
    state: NodeState = NodeState.READY
    drained: bool = False
    last_heartbeat_at: datetime = field(default_factory=utc_now)


@dataclass(kw_only=True)
class Queue(Entity):
    """How a project, whose name is the id, shares the nodes. Amounts of 0 in quota and guarantee say nothing."""

    weight: float = 1.0
    quota: Resources = field(default_factory=Resources)
    guarantee: Resources = field(default_factory=Resources)


@dataclass(kw_only=True)
class Workload(Entity):
    """Something that consumes compute. `fence` is the number of its newest lease, kept after the lease has ended."""

    spec: WorkloadSpec
    request_id: str
    state: WorkloadState = WorkloadState.PENDING
    lease: Lease | None = None
    exit: WorkloadExit | None = None
    waiting_reason: str = ""
    expected_start_at: datetime | None = None
    attempt: int = 0
    fence: int = 0
    progress: float = 0.0
    steps: tuple[WorkloadStep, ...] = ()
    traceparent: str = ""
    placed_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.state is WorkloadState.EXITED

    @property
    def related_ids(self) -> dict[str, str]:
        return self.spec.related_ids

    def submitted(self) -> None:
        self.happened("submitted")

    def place(self, node_id: str, fence: int, cards: tuple[int, ...] = ()) -> None:
        """pending → placed, with a lease."""
        self._require(WorkloadState.PENDING, to="placed")
        self.lease = Lease(node_id, fence, self.spec.total, cards)
        self.fence = fence
        self.state = WorkloadState.PLACED
        self.attempt += 1
        self.waits_no_more()
        self.placed_at = utc_now()
        self.happened("placed")

    def waits_no_more(self) -> None:
        self.waiting_reason, self.expected_start_at = "", None

    def start(self) -> None:
        """placed → running. Nothing changes for one that runs already or is stopping."""
        if self.state in (WorkloadState.RUNNING, WorkloadState.STOPPING):
            return
        self._require(WorkloadState.PLACED, to="running")
        self.state = WorkloadState.RUNNING
        self.started_at = utc_now()
        self.happened("started")

    def cancel(self) -> None:
        """Ask for its end. A pending one ends at once, one with a lease when its holder says so."""
        if self.state is WorkloadState.PENDING:
            self._end(WorkloadExit(ExitReason.CANCELLED, "It was cancelled before it started."))
        elif not self.ended:
            self.state = WorkloadState.STOPPING

    def finish(self, how: WorkloadExit) -> None:
        """placed, running or stopping → exited."""
        if self.state not in LEASED:
            raise FailedPrecondition(f"{self.id} is {self.state}; only a workload with a lease can end.")
        self._end(how)

    def lose(self, node_name: str) -> None:
        """Its node went away: pending again, or exited when it was stopping or has no attempts left."""
        if self.state not in LEASED:
            raise FailedPrecondition(f"{self.id} is {self.state}; it has no node that could be lost.")
        self.happened("lost")
        if self.state is WorkloadState.STOPPING:
            self._end(
                WorkloadExit(ExitReason.CANCELLED, f"It was cancelled; its node {node_name} went away meanwhile.")
            )
        elif self.attempt >= MAX_ATTEMPTS:
            told = f"Its node {node_name} went away, and it had been started {self.attempt} times; no more is tried."
            self._end(WorkloadExit(ExitReason.LOST, told))
        else:
            self.lease = None
            self.state = WorkloadState.PENDING
            self.waiting_reason = f"Its node {node_name} went away; it waits for another start."

    def interrupted(self) -> None:
        """The platform was restored from a backup: pending again, whatever its attempts, or cancelled if asked."""
        self.attempt = min(self.attempt, MAX_ATTEMPTS - 1)
        self.lose("was restored from a backup and")
        if self.state is WorkloadState.PENDING:
            self.waiting_reason = "The platform was restored from a backup; it waits for another start."

    def held_under(self, fence: int, node_id: str | None = None) -> None:
        """Refuse who does not hold the lease (any more): Conflict, reason FENCED."""
        lease = self.lease
        if lease is None or lease.fence != fence or (node_id is not None and lease.node_id != node_id):
            raise Conflict(f"The lease {fence} of {self.id} is not valid any more.", reason="FENCED")

    def advance(self, progress: float, steps: tuple[WorkloadStep, ...]) -> bool:
        """Take over what the algorithm reports; whether anything changed. A progress of 0 says nothing."""
        before = (self.progress, self.steps)
        self.progress = min(max(progress, 0.0), 1.0) or self.progress
        self.steps = steps or self.steps
        return (self.progress, self.steps) != before

    def _require(self, state: WorkloadState, *, to: str) -> None:
        if self.state is not state:
            raise FailedPrecondition(f"{self.id} is {self.state}; only one that is {state} can become {to}.")

    def _end(self, how: WorkloadExit) -> None:
        self.state = WorkloadState.EXITED
        self.exit = how
        self.lease = None
        self.waits_no_more()
        self.ended_at = utc_now()
        if how.reason is ExitReason.COMPLETED:
            self.progress = 1.0
        self.happened("exited")


@dataclass(frozen=True)
class MetricPoint:
    """One value of one metric; `index` is its place among the workload's points, from 1."""

    name: str
    step: int
    value: float
    time: datetime
    index: int = 0


@dataclass(frozen=True)
class Assignment:
    """One workload that a node should run, or stop, now."""

    workload_id: str
    fence: int
    attempt: int
    spec: WorkloadSpec
    stop: bool = False
    traceparent: str = ""


@dataclass(frozen=True)
class Report:
    """What an agent says about one of its workloads. `exit` is set when it has ended."""

    node_id: str
    workload_id: str
    fence: int
    exit: WorkloadExit | None = None
    progress: float = 0.0
    steps: tuple[WorkloadStep, ...] = ()

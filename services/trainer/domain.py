"""Training tasks, their runs, and the model library: state and transitions."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from services.kernel.entity import Entity, utc_now
from services.kernel.errors import FailedPrecondition
from services.kernel.values import BundleRef, Interface, Purpose, Resources


@dataclass(frozen=True)
class Scores:
    """Macro averages over the classes, 0 to 1."""

    accuracy: float = 0.0
    precision: float = 0.0
    recall: float = 0.0
    f1: float = 0.0


@dataclass(frozen=True)
class Step:
    name: str
    state: str
    started_at: datetime | None = None
    finished_at: datetime | None = None


class TaskState(StrEnum):
    DRAFT = "draft"
    WAITING = "waiting"
    TRAINING = "training"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"
    PUBLISHED = "published"


COMPLETED = "completed"
ACTIVE = frozenset({TaskState.WAITING, TaskState.TRAINING})
STARTABLE = frozenset({TaskState.DRAFT, TaskState.STOPPED, TaskState.FAILED})
DEFAULT_TIME_LIMIT_S = 24 * 3600
DEFAULT_CPU_MILLIS = 1000
DEFAULT_MEMORY_BYTES = 2 * 1024**3


def with_defaults(asked: Resources) -> Resources:
    """What one worker gets when cores or memory are left out."""
    return replace(
        asked,
        cpu_millis=asked.cpu_millis or DEFAULT_CPU_MILLIS,
        memory_bytes=asked.memory_bytes or DEFAULT_MEMORY_BYTES,
    )


@dataclass(kw_only=True)
class Task(Entity):
    """A training task; its runs are numbered from 1."""

    name: str
    note: str = ""
    purpose: Purpose | None = None
    algorithm_id: str
    dataset_id: str
    dataset_version: int = 0
    train_share: float = 0.0
    seed: int = 0
    parameters: str = "{}"
    resources: Resources = field(default_factory=Resources)
    time_limit_s: int = DEFAULT_TIME_LIMIT_S
    state: TaskState = TaskState.DRAFT
    progress: float = 0.0
    steps: list[Step] = field(default_factory=list)
    error: str = ""
    error_reason: str = ""
    waiting_reason: str = ""
    run_number: int = 0
    workload_id: str = ""
    outputs: BundleRef = field(default_factory=BundleRef)
    scores: Scores | None = None
    model_version_id: str = ""
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def run_id(self) -> str:
        return f"{self.id}-{self.run_number}"

    @property
    def related_ids(self) -> dict[str, str]:
        return {"run_id": self.run_id, "workload_id": self.workload_id} if self.run_number else {}

    def _require(self, states: frozenset[TaskState], action: str) -> None:
        if self.state not in states:
            expected = ", ".join(sorted(states))
            raise FailedPrecondition(
                f"A task that is {self.state} cannot be {action}; it has to be {expected}.", reason="TASK_STATE"
            )

    def require_editable(self) -> None:
        self._require(STARTABLE, "edited")

    def require_deletable(self) -> None:
        self._require(frozenset(TaskState) - ACTIVE, "deleted")

    def submit(self) -> None:
        """Begin a new run from 0 %."""
        self._require(STARTABLE, "started")
        self.state = TaskState.WAITING
        self.run_number += 1
        self.progress, self.steps = 0.0, []
        self.error = self.error_reason = self.waiting_reason = self.workload_id = ""
        self.scores, self.outputs = None, BundleRef()
        self.submitted_at, self.started_at, self.ended_at = utc_now(), None, None
        self.happened("submitted")

    def start(self) -> None:
        self._require(frozenset({TaskState.WAITING}), "started")
        self.state = TaskState.TRAINING
        self.started_at, self.waiting_reason = utc_now(), ""
        self.happened("started")

    def wait_again(self) -> None:
        """The node went away: the run waits for another."""
        self._require(frozenset({TaskState.TRAINING}), "put back")
        self.state = TaskState.WAITING
        self.waiting_reason = "The node that ran it went away; it continues on another one."
        self.happened("submitted")

    def stop(self) -> None:
        self._require(frozenset({TaskState.TRAINING}), "stopped")
        self._end(TaskState.STOPPED)
        self.happened("stopped")

    def finish(self, scores: Scores, outputs: BundleRef) -> None:
        self._require(ACTIVE, "finished")
        self._end(TaskState.FINISHED)
        self.progress, self.scores, self.outputs = 1.0, scores, outputs
        self.happened("finished")

    def fail(self, reason: str, message: str) -> None:
        self._require(ACTIVE, "failed")
        self._end(TaskState.FAILED)
        self.error_reason, self.error = reason, message
        self.happened("failed")

    def publish(self, model_version_id: str) -> None:
        """Once only."""
        self._require(frozenset({TaskState.FINISHED}), "published")
        self.state = TaskState.PUBLISHED
        self.model_version_id = model_version_id
        self.happened("published")

    def _end(self, state: TaskState) -> None:
        self.state, self.ended_at, self.waiting_reason = state, utc_now(), ""


class RunPhase(StrEnum):
    """How far the platform is with one run."""

    PREPARING = "preparing"
    SUBMITTED = "submitted"
    EXITED = "exited"
    CLOSED = "closed"


@dataclass(frozen=True)
class RunExit:
    """How the workload of a run ended; `reason` is that of the scheduler in lower case, COMPLETED for a good end."""

    reason: str
    message: str
    outputs: BundleRef
    code: int = 0


@dataclass(kw_only=True)
class Run(Entity):
    """One run of a task and the workload behind it; what the reconciler works on.

    `traceparent` is the trace of whoever started it.
    """

    task_id: str
    number: int
    phase: RunPhase = RunPhase.PREPARING
    cancelled: bool = False
    cancel_sent: bool = False
    workload_id: str = ""
    manifest: str = ""
    dataset_version: int = 0
    classes: list[str] = field(default_factory=list)
    algorithm_name: str = ""
    major_version: int = 1
    code_hash: str = ""
    exit: RunExit | None = None
    traceparent: str = ""

    @property
    def related_ids(self) -> dict[str, str]:
        return {"task_id": self.task_id, "workload_id": self.workload_id}

    def cancel(self) -> None:
        self.cancelled = True

    def cancel_heard(self) -> None:
        """The scheduler knows."""
        self.cancel_sent = True

    def submitted(self, workload_id: str) -> None:
        self.workload_id = workload_id
        if self.phase is RunPhase.PREPARING:
            self.phase = RunPhase.SUBMITTED

    def lost(self) -> None:
        """The scheduler does not know the workload any more."""
        message = "The scheduler does not know its workload any more; start the task again."
        self.exited(RunExit(reason="lost", message=message, outputs=BundleRef()))

    def exited(self, result: RunExit) -> None:
        if self.phase in (RunPhase.PREPARING, RunPhase.SUBMITTED):
            self.phase, self.exit = RunPhase.EXITED, result

    def close(self) -> None:
        self.phase = RunPhase.CLOSED


@dataclass(frozen=True)
class Provenance:
    task_id: str
    run_number: int
    algorithm_id: str
    algorithm_name: str
    code_hash: str
    dataset_id: str
    dataset_version: int
    manifest: str
    parameters: str
    seed: int


@dataclass(kw_only=True)
class Model(Entity):
    """Versions under one name."""

    name: str
    purpose: Purpose | None = None
    latest_version: str = ""
    latest_version_id: str = ""
    version_count: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def next_number(self, major: int) -> str:
        """Count one more version of the algorithm version `major`: 3.01, 3.02, …"""
        count = self.counts.get(str(major), 0) + 1
        self.counts[str(major)] = count
        return f"{major}.{count:02d}"

    def published(self, number: str, version_id: str) -> None:
        self.latest_version, self.latest_version_id = number, version_id
        self.version_count += 1
        self.happened("published")


@dataclass(kw_only=True)
class ModelVersion(Entity):
    """One published version of a model; never changes."""

    model_id: str
    model_name: str
    number: str
    framework: str
    bundle: BundleRef
    labels: list[str]
    interface: Interface
    scores: Scores
    provenance: Provenance

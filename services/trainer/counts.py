"""What Prometheus learns of tasks and runs, from the holder of the control lease."""

from prometheus_client import Gauge

from services.kernel.census import Count, by_field
from services.trainer.domain import RunPhase, TaskState
from services.trainer.models import RunDocument, TaskDocument

TASKS = Gauge("modelyard_tasks", "Training tasks", ["state"])
RUNS = Gauge("modelyard_runs_open", "Runs that the trainer still works on", ["phase"])

_OPEN = [phase.value for phase in RunPhase if phase is not RunPhase.CLOSED]

COUNTS: tuple[Count, ...] = (
    (TASKS, by_field(TaskDocument, "state", [state.value for state in TaskState])),
    (RUNS, by_field(RunDocument, "phase", _OPEN)),
)

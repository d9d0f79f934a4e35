"""What Prometheus learns of the life of tasks."""

from collections.abc import Sequence
from datetime import datetime

from prometheus_client import Histogram

from services.kernel.metrics import SLOW
from services.trainer.domain import Task

PHASES = Histogram(
    "modelyard_task_phase_duration_seconds",
    "Phases of runs as their tasks show them: waiting (submitted to started), training (started to ended), all of it",
    ["phase", "outcome"],
    buckets=SLOW,
)
_ENDS = frozenset({"finished", "failed", "stopped"})


def observe_task(task: Task, events: Sequence[str]) -> None:
    """Called after each commit that made something happen to a task."""
    for outcome in _ENDS.intersection(events):
        _phase("waiting", outcome, task.submitted_at, task.started_at)
        _phase("training", outcome, task.started_at, task.ended_at)
        _phase("all", outcome, task.submitted_at, task.ended_at)


def _phase(phase: str, outcome: str, began: datetime | None, ended: datetime | None) -> None:
    if began is not None and ended is not None:
        PHASES.labels(phase, outcome).observe(max((ended - began).total_seconds(), 0.0))

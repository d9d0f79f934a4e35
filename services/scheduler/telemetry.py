"""What Prometheus learns of the life of workloads."""

from collections.abc import Sequence
from datetime import datetime

from prometheus_client import Counter, Histogram

from services.kernel.metrics import SLOW
from services.scheduler.domain import Workload

PHASES = Histogram(
    "modelyard_workload_phase_duration_seconds",
    "Phases of workloads: waiting (submitted to placed), starting (placed to started), running (started to exited)",
    ["kind", "phase"],
    buckets=SLOW,
)
ENDED = Counter("modelyard_workloads_ended_total", "Workloads that ended", ["kind", "reason"])
LOST = Counter("modelyard_workloads_lost_total", "Leases that ended because their node went away", ["kind"])


def observe_workload(workload: Workload, events: Sequence[str]) -> None:
    """Called after each commit that made something happen to a workload."""
    kind = workload.spec.kind.value
    for event in events:
        match event:
            case "placed":
                _phase(kind, "waiting", workload.created_at if workload.attempt == 1 else None, workload.placed_at)
            case "started":
                _phase(kind, "starting", workload.placed_at, workload.started_at)
            case "lost":
                LOST.labels(kind).inc()
            case "exited":
                ENDED.labels(kind, workload.exit.reason.value if workload.exit else "unknown").inc()
                _phase(kind, "running", workload.started_at, workload.ended_at)


def _phase(kind: str, phase: str, began: datetime | None, ended: datetime | None) -> None:
    if began is not None and ended is not None:
        PHASES.labels(kind, phase).observe(max((ended - began).total_seconds(), 0.0))

"""What the agent tells Prometheus, and the spans that it makes for processes that cannot."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

from services.kernel import tracing
from services.kernel.context import TraceContext, current_traceparent, derived_traceparent
from services.kernel.ids import new_id
from services.kernel.metrics import SLOW
from services.scheduler.domain import Assignment, WorkloadStep
from services.scheduler.engines.process.shim import files
from services.scheduler.engines.process.shim.files import Exit

WORKLOADS = Gauge("modelyard_agent_workloads", "Workloads that this agent looks after")
HEARTBEAT_FAILURES = Counter("modelyard_agent_heartbeat_failures_total", "Heartbeats that the scheduler did not take")
STEPS = Histogram(
    "modelyard_agent_step_duration_seconds",
    "What the agent does around a process: stage the inputs, start it, collect the output, report its end",
    ["step"],
    buckets=SLOW,
)
LOG_BYTES = Counter("modelyard_agent_log_bytes_total", "Bytes of logs that the scheduler has taken")
POINTS = Counter("modelyard_agent_metric_points_total", "Metric points that the scheduler has taken")
PEAK_MEMORY = Histogram(
    "modelyard_agent_workload_peak_memory_bytes",
    "Peak memory of workloads that ended",
    buckets=[2.0**power for power in range(24, 39, 2)],
)

_TRACE = "trace"


@contextmanager
def step(name: str, assignment: Assignment) -> Iterator[tracing.Span]:
    """One step of the agent, in the trace of the workload."""
    attributes = {"modelyard.workload_id": assignment.workload_id, **assignment.spec.related_ids}
    with (
        STEPS.labels(name).time(),
        tracing.span(f"agent.{name}", traceparent=assignment.traceparent, attributes=attributes) as span,
    ):
        yield span


def begin_algorithm(folder: Path) -> str:
    """The traceparent for a process that is about to start: a span of its own below the running one."""
    parent = current_traceparent()
    own = derived_traceparent(parent, new_id("process"))
    (folder / _TRACE).write_text(f"{own}\n{parent}\n")
    return own


def end_algorithm(folder: Path, assignment: Assignment, end: Exit, steps: tuple[WorkloadStep, ...]) -> None:
    """Make the spans of a process that ran, and of its steps: inside of the sandbox there is no collector.

    The second call for the same end does nothing.
    """
    state, (own, parent) = files.read_state(folder), _traceparents(folder)
    if state is None or TraceContext.parse(own) is None:
        return
    (folder / _TRACE).unlink()
    PEAK_MEMORY.observe(end.peak_memory_bytes)
    attributes: dict[str, str | int] = {
        "modelyard.workload_id": assignment.workload_id,
        "modelyard.reason": end.reason,
        "process.exit.code": end.code,
        "modelyard.peak_memory_bytes": end.peak_memory_bytes,
        **assignment.spec.related_ids,
    }
    error = "" if end.reason == "completed" else end.message
    tracing.record("algorithm", own, parent, state.started_at, end.ended_at, attributes=attributes, error=error)
    for number, one in enumerate(steps):
        if one.started_at is not None:
            began, ended = one.started_at.timestamp(), one.finished_at.timestamp() if one.finished_at else end.ended_at
            tracing.record(
                f"algorithm {one.name}",
                derived_traceparent(own, f"{own}/{number}"),
                own,
                began,
                min(ended, end.ended_at),
            )


def _traceparents(folder: Path) -> tuple[str, str]:
    try:
        own, parent, *_ = (folder / _TRACE).read_text().split("\n")
    except (OSError, ValueError):
        return "", ""
    return own, parent

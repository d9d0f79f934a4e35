"""Spans that the agent makes for processes in the sandbox."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from services.kernel import tracing
from services.kernel.context import TraceContext
from services.kernel.values import Resources
from services.scheduler.agent import telemetry
from services.scheduler.domain import PROCESS, Assignment, WorkloadKind, WorkloadSpec, WorkloadStep
from services.scheduler.engines.process.shim import files
from services.scheduler.engines.process.shim.files import Exit, State

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SPEC = WorkloadSpec("t", WorkloadKind.TRAINING, PROCESS, Resources(1000, 1), subject="run/task-1-2")


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("reason", "failed"), [("completed", False), ("out_of_memory", True)])
def test_an_ended_process_and_its_steps_are_spans(tmp_path: Path, reason: str, failed: bool) -> None:
    exporter = InMemorySpanExporter()
    tracing.start("scheduler", "agent", exporter)
    assignment = Assignment("wl-1", 7, 1, SPEC, traceparent=PARENT)
    with telemetry.step("start", assignment):
        given = telemetry.begin_algorithm(tmp_path)
    files.write(tmp_path, files.STATE, State(1, 2, 3, 100.0))
    end = Exit(reason, 0, 0, "how it ended", 10, 2**20, 110.0)
    steps = (WorkloadStep("training", "finished", at(101), at(105)), WorkloadStep("export", "running", at(105)))
    for _ in range(2):  # the report of the end may have to be repeated
        telemetry.end_algorithm(tmp_path, assignment, end, steps)
    tracing.stop()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert len(exporter.get_finished_spans()) == len(spans) == 4
    algorithm, start = spans["algorithm"], spans["agent.start"]
    told = TraceContext.parse(given)
    assert told is not None
    assert told.trace_id == PARENT[3:35]
    assert algorithm.context is not None
    assert f"{algorithm.context.span_id:016x}" == told.span_id
    assert algorithm.parent is not None
    assert start.context is not None
    assert algorithm.parent.span_id == start.context.span_id
    assert (algorithm.start_time, algorithm.end_time) == (100_000_000_000, 110_000_000_000)
    assert (algorithm.attributes or {})["run_id"] == "task-1-2"
    assert (algorithm.status.status_code is StatusCode.ERROR) == failed
    for name, began, ended in (("training", 101, 105), ("export", 105, 110)):
        step = spans[f"algorithm {name}"]
        assert step.parent is not None
        assert step.parent.span_id == algorithm.context.span_id
        assert (step.start_time, step.end_time) == (began * 10**9, ended * 10**9)
    assert start.resource.attributes["service.name"] == "scheduler-agent"


def test_a_process_that_never_started_is_no_span(tmp_path: Path) -> None:
    exporter = InMemorySpanExporter()
    tracing.start("scheduler", "agent", exporter)
    telemetry.end_algorithm(tmp_path, Assignment("wl-1", 7, 1, SPEC), Exit("not_started", 0, 0, "", 0, 0, 1.0), ())
    tracing.stop()
    assert exporter.get_finished_spans() == ()

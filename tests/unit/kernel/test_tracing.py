"""Spans, with an exporter in memory and with collectors that fail."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CollectorRegistry, Counter

from services.kernel import tracing
from services.kernel.context import (
    TraceContext,
    current_trace_id,
    current_traceparent,
    derived_traceparent,
    new_traceparent,
    untraced,
    with_trace,
)
from services.kernel.errors import Internal, NotFound
from services.kernel.span_export import Counted

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Recorded:
    """What was made, after `flush`."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()

    def spans(self) -> dict[str, ReadableSpan]:
        tracing.stop()
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    made = Recorded()
    tracing.start("trainer", "rpc", made.exporter)
    yield made
    tracing.stop()


def ids(span: ReadableSpan) -> tuple[str, str, str]:
    """Trace, own and parent's id."""
    context, parent = span.get_span_context(), span.parent
    assert context is not None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}", f"{parent.span_id:016x}" if parent else ""


def test_without_a_collector_the_trace_passes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    tracing.configure("trainer", "rpc")
    assert not tracing.enabled()
    with tracing.span("request", kind="server", traceparent=PARENT) as span:
        span.set("a", 1)
        span.rename("b")
        assert current_trace_id() == PARENT[3:35]
        assert current_traceparent() != PARENT
        outer = current_traceparent()
        with tracing.span("inner"):
            assert current_traceparent() == outer
    assert current_traceparent() == ""


def test_without_a_collector_nothing_of_the_sdk_is_loaded() -> None:
    code = (
        "import sys; from services.kernel import tracing; tracing.configure('a', 'b')\n"
        "with tracing.span('x', traceparent=''): pass\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk') or name == 'requests'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PATH": ""}, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_with_a_collector_grpc_is_not_loaded() -> None:
    """The nameko processes may not load it."""
    code = (
        "import sys; from services.kernel import tracing; tracing.configure('a', 'b')\n"
        "assert tracing.enabled()\n"
        "print([name for name in sys.modules if name == 'grpc' or name.startswith('grpc.')])"
    )
    env = {"PATH": "", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_spans_stand_below_what_runs(recorded: Recorded) -> None:
    with tracing.span("request", kind="server", traceparent=PARENT), tracing.span("work", attributes={"n": 3}):
        inside = current_traceparent()
    spans = recorded.spans()
    request, work = spans["request"], spans["work"]
    assert ids(request)[0] == ids(work)[0] == PARENT[3:35]
    assert ids(request)[2] == PARENT[36:52]
    assert ids(work)[2] == ids(request)[1]
    assert inside == f"00-{PARENT[3:35]}-{ids(work)[1]}-01"
    assert request.kind is SpanKind.SERVER
    assert dict(work.attributes or {}) == {"n": 3}
    assert request.resource.attributes["service.name"] == "trainer"


@pytest.mark.parametrize(
    ("service", "roles", "name"),
    [
        ("trainer", "rpc+control", "trainer"),
        ("gateway", "gateway+control", "gateway"),
        ("trainer", "events", "trainer-events"),
        ("scheduler", "agent", "scheduler-agent"),
    ],
)
def test_processes_have_names(service: str, roles: str, name: str) -> None:
    exporter = InMemorySpanExporter()
    tracing.start(service, roles, exporter)
    with tracing.span("work", traceparent=""):
        pass
    tracing.stop()
    assert exporter.get_finished_spans()[0].resource.attributes["service.name"] == name


def test_nothing_begins_a_trace_by_itself(recorded: Recorded) -> None:
    with tracing.span("transaction"):
        assert current_traceparent() == ""
    with tracing.span("request", traceparent=""):
        assert current_trace_id()
    assert list(recorded.spans()) == ["request"]


def test_untraced_work_makes_no_spans_and_keeps_the_id(recorded: Recorded) -> None:
    with untraced(PARENT):
        assert current_trace_id() == PARENT[3:35]
        with tracing.span("call", kind="client"):
            passed_on = current_traceparent()
    with tracing.span("on the other side", kind="server", traceparent=passed_on):
        assert current_trace_id() == PARENT[3:35]
    with untraced():
        assert len(current_trace_id()) == 32
    assert recorded.spans() == {}


@pytest.mark.parametrize(
    ("error", "failed"), [(NotFound("x"), False), (Internal("x"), True), (ValueError("password=hunter2"), True)]
)
def test_an_error_is_noted(recorded: Recorded, error: Exception, failed: bool) -> None:
    with pytest.raises(type(error)), tracing.span("request", traceparent=""):
        raise error
    span = recorded.spans()["request"]
    assert (span.status.status_code is StatusCode.ERROR) == failed
    assert (span.attributes or {})["error.type"]
    assert "hunter2" not in str(span.status.description)


def test_a_span_of_the_past_has_the_id_that_was_given_out(recorded: Recorded) -> None:
    own = derived_traceparent(PARENT, "event 1")
    tracing.record("publish", own, PARENT, 100.0, 101.5, kind="producer")
    tracing.record("publish again", derived_traceparent(PARENT, "event 1"), PARENT, 200.0, 199.0, error="lost")
    spans = recorded.spans()
    assert ids(spans["publish"]) == (PARENT[3:35], own[36:52], PARENT[36:52])
    assert (spans["publish"].start_time, spans["publish"].end_time) == (100_000_000_000, 101_500_000_000)
    assert ids(spans["publish again"])[1] == own[36:52]
    assert spans["publish again"].end_time == spans["publish again"].start_time
    assert spans["publish again"].status.status_code is StatusCode.ERROR


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "x",
        PARENT.upper(),
        f"{PARENT}-00",
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        PARENT.replace("00-", "ff-", 1),
    ],
)
def test_a_malformed_traceparent_begins_a_trace(recorded: Recorded, malformed: str) -> None:
    assert TraceContext.parse(malformed) is None
    assert derived_traceparent(malformed, "x") == ""
    with tracing.span("request", traceparent=malformed):
        pass
    assert ids(recorded.spans()["request"])[2] == ""


def test_the_caller_decides_whether_a_trace_is_kept(recorded: Recorded) -> None:
    with tracing.span("request", traceparent=PARENT[:-2] + "00"):
        assert current_trace_id() == PARENT[3:35]
    with with_trace(new_traceparent()), tracing.span("other"):
        pass
    assert list(recorded.spans()) == ["other"]


class Hanging(SpanExporter):
    """A collector that takes connections and answers nothing."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.over = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        self.over.wait(30)
        return SpanExportResult.FAILURE


def test_a_collector_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    hanging = Hanging()
    tracing.start("trainer", "rpc", hanging)
    try:
        with tracing.span("first", traceparent=""):
            pass
        assert hanging.asked.wait(10)
        for _ in range(5000):  # more than the queue holds
            with tracing.span("more", traceparent=""):
                pass
        began = time.monotonic()
        tracing.stop(timeout=0.2)
        assert time.monotonic() - began < 20  # far less than it hangs
        assert not hanging.over.is_set()
    finally:
        hanging.over.set()


class Broken(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise ConnectionError("away")


def test_lost_spans_are_counted() -> None:
    counter = Counter("spans", "x", ["outcome"], registry=CollectorRegistry())
    spans = [ReadableSpan("work")] * 3
    assert Counted(Broken(), counter).export(spans) is SpanExportResult.FAILURE
    assert Counted(InMemorySpanExporter(), counter).export(spans[:2]) is SpanExportResult.SUCCESS
    assert counter.labels("lost")._value.get() == 3
    assert counter.labels("sent")._value.get() == 2

"""Spans: OpenTelemetry when `OTEL_EXPORTER_OTLP_ENDPOINT` says where to send them, next to nothing otherwise.

The running span is the `traceparent` of `services.kernel.context`, so it crosses processes, threads and the database as
a text. Spans are sent by OTLP over HTTP (gRPC may not be loaded by the nameko processes) from a thread of its own: a
collector that is away or slow costs spans, never work.
"""

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

from prometheus_client import Counter

from services.kernel.context import TraceContext, current_traceparent, with_trace, within_trace
from services.kernel.errors import DeadlineExceeded, DomainError, Internal, Unavailable
from services.kernel.logging import get_logger
from services.kernel.redaction import masked_text

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span as OpenTelemetrySpan
    from opentelemetry.trace import SpanKind, Tracer

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | float | bool]

SPANS = Counter(
    "modelyard_trace_spans_total", "Spans handed to the collector, or lost because it did not take them", ["outcome"]
)
FLUSH_S = 2.0
"""How long a process that ends may wait for the collector."""

_OUR_FAULT = (Internal, Unavailable, DeadlineExceeded)
_LONGEST_ERROR = 300

log = get_logger(__name__)

_tracer: "Tracer | None" = None
_provider: "TracerProvider | None" = None
_span_id: ContextVar[int] = ContextVar("span_id", default=0)


class Span:
    """A span that is going on; without a collector all of this does nothing."""

    def rename(self, name: str) -> None:
        """Say what it is, once that is known."""

    def set(self, name: str, value: str | int | float | bool) -> None:
        """Add an attribute."""

    def fail(self, error: BaseException) -> None:
        """Note the error; the span counts as failed when the fault is ours."""


_NO_SPAN = Span()


class _Recording(Span):
    def __init__(self, span: "OpenTelemetrySpan") -> None:
        self._span = span

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def set(self, name: str, value: str | int | float | bool) -> None:
        self._span.set_attribute(name, value)

    def fail(self, error: BaseException) -> None:
        from opentelemetry.trace import Status, StatusCode

        told = isinstance(error, DomainError)
        self._span.set_attribute("error.type", error.reason if isinstance(error, DomainError) else type(error).__name__)
        if not told or isinstance(error, _OUR_FAULT):
            self._span.set_status(Status(StatusCode.ERROR, masked_text(str(error))[:_LONGEST_ERROR]))


def enabled() -> bool:
    """Whether spans are made at all."""
    return _tracer is not None


@contextmanager
def span(
    name: str, *, kind: Kind = "internal", traceparent: str | None = None, attributes: Attributes | None = None
) -> Iterator[Span]:
    """A span around the body, in which it is the running operation.

    Its parent is `traceparent`, with which a trace begins when it is empty; None means what runs now, and no span when
    that is nothing. An exception that leaves the body is noted.
    """
    parent = current_traceparent() if traceparent is None else traceparent
    if _tracer is None or (traceparent is None and not parent) or not _is_sampled(parent):
        if traceparent is None:
            yield _NO_SPAN
        else:
            with with_trace(traceparent):
                yield _NO_SPAN
        return
    started = _tracer.start_span(name, _context_of(parent), _kind(kind), attributes=attributes)
    recording = _Recording(started)
    try:
        with within_trace(_traceparent_of(started)):
            yield recording
    except Exception as error:
        recording.fail(error)
        raise
    finally:
        started.end()


def record(
    name: str,
    own: str,
    parent: str,
    began: float,
    ended: float,
    *,
    kind: Kind = "internal",
    attributes: Attributes | None = None,
    error: str = "",
) -> None:
    """Make a span of the past. `own` is its traceparent (see `derived_traceparent`), times are in Unix seconds."""
    context = TraceContext.parse(own)
    if _tracer is None or context is None or not context.sampled:
        return
    from opentelemetry.trace import Status, StatusCode

    token = _span_id.set(int(context.span_id, 16))
    try:
        made = _tracer.start_span(
            name, _context_of(parent), _kind(kind), attributes=attributes, start_time=_nanoseconds(began)
        )
    finally:
        _span_id.reset(token)
    if error:
        made.set_status(Status(StatusCode.ERROR, masked_text(error)[:_LONGEST_ERROR]))
    made.end(_nanoseconds(max(began, ended)))


def _is_sampled(parent: str) -> bool:
    context = TraceContext.parse(parent)
    return context is None or context.sampled


def _context_of(traceparent: str) -> "Context":
    from opentelemetry import trace
    from opentelemetry.context import Context

    found = TraceContext.parse(traceparent)
    if found is None:
        return Context()
    flags = trace.TraceFlags(int(found.flags, 16))
    remote = trace.SpanContext(int(found.trace_id, 16), int(found.span_id, 16), is_remote=True, trace_flags=flags)
    return trace.set_span_in_context(trace.NonRecordingSpan(remote), Context())


def _traceparent_of(started: "OpenTelemetrySpan") -> str:
    context = started.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _kind(kind: Kind) -> "SpanKind":
    from opentelemetry.trace import SpanKind

    return SpanKind[kind.upper()]


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)


def configure(service: str, roles: str) -> None:
    """Begin to make spans if the environment names a collector; its variables are OpenTelemetry's (`OTEL_…`)."""
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if off or not any(os.environ.get(name) for name in names):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    start(service, roles, OTLPSpanExporter())


def start(service: str, roles: str, exporter: "SpanExporter") -> None:
    """Make spans and hand them to `exporter` in batches, from another thread."""
    global _tracer, _provider  # one tracer a process, as OpenTelemetry has it
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from services.kernel.span_export import Counted, Ids

    resource = Resource.create(
        {
            "service.namespace": "modelyard",
            "service.name": _name(service, roles),
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
            "modelyard.roles": roles,
        }
    )
    provider = TracerProvider(resource=resource, id_generator=Ids(_span_id), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Counted(exporter, SPANS)))
    _provider, _tracer = provider, provider.get_tracer("modelyard")
    log.info("tracing_started")


def _name(service: str, roles: str) -> str:
    """The process that answers calls is called as its service, others (agents, consumers) by their role too."""
    return service if {"rpc", service}.intersection(roles.split("+")) else f"{service}-{roles}"


def stop(timeout: float = FLUSH_S) -> None:
    """Hand over what is waiting, for at most `timeout` seconds, and make no more spans."""
    global _tracer, _provider
    provider, _tracer, _provider = _provider, None, None
    if provider is None:
        return
    closing = threading.Thread(target=provider.shutdown, name="spans-last", daemon=True)
    closing.start()
    closing.join(timeout)

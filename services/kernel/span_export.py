"""The parts of tracing that need OpenTelemetry's SDK; loaded only when spans are made."""

from collections.abc import Sequence
from contextvars import ContextVar

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from prometheus_client import Counter

from services.kernel.logging import get_logger

log = get_logger(__name__)


class Ids(RandomIdGenerator):
    """Random ids, except where the context says which one the next span has."""

    def __init__(self, wanted: ContextVar[int]) -> None:
        self._wanted = wanted

    def generate_span_id(self) -> int:
        return self._wanted.get() or super().generate_span_id()


class Counted(SpanExporter):
    """Counts what the collector takes, and logs once when it stops or begins to take spans."""

    def __init__(self, exporter: SpanExporter, spans: Counter) -> None:
        self._exporter = exporter
        self._spans = spans
        self._well = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001  # whatever the collector does, the next batch is another try
            log.debug("spans_not_sent", error=repr(error))
            result = SpanExportResult.FAILURE
        well = result is SpanExportResult.SUCCESS
        self._spans.labels("sent" if well else "lost").inc(len(spans))
        if well != self._well:
            (log.info if well else log.warning)("trace_collector_answers" if well else "trace_collector_away")
        self._well = well
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

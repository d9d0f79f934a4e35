"""A collector of traces: a real HTTP server that takes OTLP and keeps what came."""

import gzip
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan


@dataclass(frozen=True)
class Span:
    """A span as it arrived; ids in hexadecimal, times in Unix seconds."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    began: float
    ended: float
    attributes: dict[str, str]
    failed: bool


class Collector:
    """What has arrived, whenever it is asked."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._spans: list[Span] = []
        self._turn = threading.Lock()

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a process sends its spans here, and soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.address, "OTEL_BSP_SCHEDULE_DELAY": "300"}

    def take(self, request: ExportTraceServiceRequest) -> None:
        with self._turn:
            for part in request.resource_spans:
                service = _texts(part.resource.attributes).get("service.name", "")
                self._spans += [_span(service, span) for scope in part.scope_spans for span in scope.spans]

    def trace(self, trace_id: str) -> list[Span]:
        with self._turn:
            return [span for span in self._spans if span.trace_id == trace_id]


def _texts(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {pair.key: pair.value.string_value or str(pair.value.int_value) for pair in attributes}


def _span(service: str, span: WireSpan) -> Span:
    return Span(
        service=service,
        name=span.name,
        kind=span.kind,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        began=span.start_time_unix_nano / 1e9,
        ended=span.end_time_unix_nano / 1e9,
        attributes=_texts(span.attributes),
        failed=span.status.code == 2,
    )


def tree(spans: list[Span]) -> str:
    """The spans below their parents, in the order of time. Reads (`Get…`) at the top are left out."""
    known = {span.span_id for span in spans}
    children: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda one: one.began):
        children.setdefault(span.parent_id if span.parent_id in known else "", []).append(span)
    lines: list[str] = []

    def draw(parent: str, depth: int) -> None:
        for span in children.get(parent, []):
            if depth == 0 and span.name.startswith("GET "):
                continue
            lines.append(f"{'  ' * depth}{span.service}: {span.name}  {1000 * (span.ended - span.began):.1f} ms")
            draw(span.span_id, depth + 1)

    draw("", 0)
    return "\n".join(lines)


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a port of its own, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.take(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not to stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, name="collector", daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

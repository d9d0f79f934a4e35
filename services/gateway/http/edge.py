"""Around every HTTP request: trace, errors as JSON, security headers, metrics."""

import time

from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.http.errors import HttpError, error_response
from services.gateway.http.requests import ClientGone
from services.kernel import tracing
from services.kernel.context import current_trace_id, current_traceparent
from services.kernel.errors import Internal, InvalidArgument
from services.kernel.logging import get_logger
from services.kernel.metrics import FAST

log = get_logger(__name__)

REQUESTS = Counter("modelyard_http_requests_total", "HTTP requests", ["method", "route", "code"])
SECONDS = Histogram(
    "modelyard_http_request_duration_seconds",
    "HTTP requests, to the end of the answer",
    ["method", "route"],
    buckets=FAST,
)
RUNNING = Gauge("modelyard_http_requests_in_progress", "HTTP requests that are being answered, streams included")

CLIENT_GONE = 499
_LONGEST_PATH = 300
_VERBS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
_API_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox")


class Edge:
    """The outermost ASGI layer."""

    def __init__(self, app: ASGIApp, header_limit: int) -> None:
        """`header_limit` in bytes, names and values together."""
        self._app = app
        self._header_limit = header_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = _Sent(send)
        began = time.perf_counter()
        traceparent = dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1")
        with (
            RUNNING.track_inprogress(),
            tracing.span(scope["method"][:10], kind="server", traceparent=traceparent) as span,
        ):
            sent.trace = (
                (b"traceparent", current_traceparent().encode()),
                (b"x-request-id", current_trace_id().encode()),
            )
            try:
                self._check_headers(scope)
                await self._app(scope, receive, sent)
            except ClientGone:
                sent.code = sent.code or CLIENT_GONE
            except Exception as error:  # noqa: BLE001  # the edge: every error becomes an answer
                await self._answer(error, sent, scope, receive)
            finally:
                self._observe(scope, sent.code, time.perf_counter() - began, span)

    def _observe(self, scope: Scope, code: int, seconds: float, span: tracing.Span) -> None:
        route = scope.get("route_name") or getattr(scope.get("route"), "path", "") or "none"
        verb = scope["method"] if scope["method"] in _VERBS else "other"
        REQUESTS.labels(verb, route, str(code)).inc()
        SECONDS.labels(verb, route).observe(seconds)
        span.rename(f"{verb} {route}")
        span.set("http.request.method", verb)
        span.set("http.route", route)
        span.set("http.response.status_code", code)
        if scope.get("is_command"):
            path = scope["path"][:_LONGEST_PATH]
            log.info("http_command", method=verb, path=path, code=code, seconds=round(seconds, 4))

    def _check_headers(self, scope: Scope) -> None:
        # uvicorn's limit sees only headers that come in several reads.
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self._header_limit:
            error = InvalidArgument(f"Headers may have at most {self._header_limit} bytes.", reason="HEADERS_TOO_LARGE")
            raise HttpError(431, error, {"Connection": "close"})

    async def _answer(self, error: Exception, sent: "_Sent", scope: Scope, receive: Receive) -> None:
        response = error_response(error)
        if response is None:
            log.error("http_request_failed", path=scope["path"], exc_info=error)
            response = error_response(
                Internal("Something went wrong on our side; it is in the log under the trace id of this request.")
            )
        if sent.code or response is None:
            # The answer has begun: the server closes the connection, which tells the client that it is not whole.
            return
        await response(scope, receive, sent)


class _Sent:
    """`send` with our headers; remembers the status code."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.code = 0
        self.trace: tuple[tuple[bytes, bytes], ...] = ()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.code = int(message["status"])
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            extra = [pair for pair in (*_HEADERS, _API_POLICY) if pair[0] not in names]
            message = {**message, "headers": [*given, *extra, *self.trace]}
        await self._send(message)

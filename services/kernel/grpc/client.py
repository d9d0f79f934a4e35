"""Channels to the other services: the caller's identity, the trace, deadlines, retries and errors in one place."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.message import Message
from prometheus_client import Histogram

from services.kernel import tokens, tracing
from services.kernel.config import KernelSettings
from services.kernel.context import acting_as, current_caller, current_traceparent, service_caller
from services.kernel.grpc import CALLER_KEY, TRACE_KEY, channels
from services.kernel.grpc.status import from_rpc_error
from services.kernel.ids import new_id
from services.kernel.metrics import FAST

CALLS = Histogram(
    "modelyard_rpc_client_duration_seconds",
    "Unary calls to other services, with retries",
    ["method", "code"],
    buckets=FAST,
)
DEFAULT_DEADLINE_S = 10.0

_CONFIG = channels.service_config(attempts=5, initial_backoff_s=0.1, max_backoff_s=1)

Metadata = tuple[tuple[str, str | bytes], ...]


class _CallDetails(grpc.ClientCallDetails):
    def __init__(self, details: grpc.ClientCallDetails, timeout: float | None, metadata: Metadata) -> None:
        self.method = details.method
        self.timeout = timeout
        self.metadata = metadata
        self.credentials = details.credentials
        self.wait_for_ready = details.wait_for_ready
        self.compression = details.compression


class _Interceptor(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds who calls and why to every call; unary errors come back as domain errors."""

    def __init__(self, service: str, key: str) -> None:
        self._itself = service_caller(service)
        self._key = key

    def _details(self, details: grpc.ClientCallDetails, timeout: float | None) -> _CallDetails:
        caller = current_caller() if current_caller().user_id else self._itself
        metadata: Metadata = (*(details.metadata or ()), (CALLER_KEY, tokens.sign(caller, self._key)))
        if trace := current_traceparent():
            metadata = (*metadata, (TRACE_KEY, trace))
        return _CallDetails(details, details.timeout or timeout, metadata)

    def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        method = details.method.lstrip("/")
        began = time.perf_counter()
        with tracing.span(method, kind="client"):
            call = continuation(self._details(details, DEFAULT_DEADLINE_S), _repeatable(request))
            error = call.exception()
            CALLS.labels(method, call.code().name).observe(time.perf_counter() - began)
            if error is not None:
                raise _translated(error) from error
        return call

    def intercept_unary_stream(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        return continuation(self._details(details, None), request)


def _repeatable(request: Message) -> Message:
    """A command gets a request id when it has none: a retry after a lost answer must not do its work again."""
    if "request_id" not in request.DESCRIPTOR.fields_by_name or request.request_id:  # type: ignore[attr-defined]
        return request
    named = type(request)()
    named.CopyFrom(request)
    named.request_id = new_id("retry")  # type: ignore[attr-defined]
    return named


def _translated(error: BaseException) -> BaseException:
    return from_rpc_error(error) if isinstance(error, grpc.RpcError) else error


def connect(settings: KernelSettings, service: str, *, as_service: str) -> grpc.Channel:
    """A channel to `service`. Calls carry the current caller, or `as_service` itself when there is none.

    Unary calls raise the `DomainError` that the other side raised and end after ten seconds unless they say otherwise;
    streams raise `grpc.RpcError` (see `status.from_rpc_error`).
    """
    channel = channels.open_channel(settings, service, _CONFIG)
    return grpc.intercept_channel(channel, _Interceptor(as_service, settings.token_key.get_secret_value()))


@contextmanager
def as_itself(service: str) -> Iterator[None]:
    """Calls inside are made by the service itself, not on behalf of the current caller."""
    with acting_as(service_caller(service)):
        yield

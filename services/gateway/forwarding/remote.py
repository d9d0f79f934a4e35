"""Services in other processes, over gRPC, as raw bytes."""

from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from services.gateway.contract.contract import Method
from services.gateway.forwarding.calls import Call, CallFailed
from services.kernel import tokens, tracing
from services.kernel.config import KernelSettings
from services.kernel.context import current_traceparent
from services.kernel.grpc import CALLER_KEY, TRACE_KEY, channels
from services.kernel.grpc.status import DETAILS_KEY, short
from services.kernel.ids import new_id

UNARY_TOKEN_S = 60
STREAM_TOKEN_S = 300

_CONFIG = channels.service_config(attempts=4, initial_backoff_s=0.05, max_backoff_s=0.5)

T = TypeVar("T")
Metadata = tuple[tuple[str, str], ...]


class RemoteBackend:
    """One channel to all copies of one service. The caller goes along as a signed token."""

    def __init__(self, settings: KernelSettings, service: str) -> None:
        self.channel = channels.open_aio_channel(settings, service, _CONFIG)
        self._key = settings.token_key.get_secret_value()
        self._unary: dict[str, grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = {}
        self._streams: dict[str, grpc.aio.UnaryStreamMultiCallable[bytes, bytes]] = {}

    async def unary(self, method: Method, request: bytes, call: Call) -> bytes:
        known = _once(self._unary, method.path, lambda: self.channel.unary_unary(method.path))
        repeatable = _repeatable(method, request)
        with tracing.span(method.path.lstrip("/"), kind="client", traceparent=call.traceparent) as span:
            metadata = self._metadata(call, UNARY_TOKEN_S, current_traceparent())
            running = known(repeatable, timeout=call.time_left, metadata=metadata)
            try:
                return await running
            except grpc.aio.AioRpcError as error:
                span.set("rpc.grpc.status_code", error.code().value[0])
                raise failure_of(error) from None
            finally:
                running.cancel()

    async def stream(self, method: Method, request: bytes, call: Call) -> AsyncGenerator[bytes, None]:
        known = _once(self._streams, method.path, lambda: self.channel.unary_stream(method.path))
        running = known(
            request, timeout=call.time_left, metadata=self._metadata(call, STREAM_TOKEN_S, call.traceparent)
        )
        try:
            async for message in running:
                yield message
        except grpc.aio.AioRpcError as error:
            raise failure_of(error) from None
        finally:
            running.cancel()

    async def close(self) -> None:
        await self.channel.close()

    def _metadata(self, call: Call, ttl_s: int, traceparent: str) -> Metadata:
        found: list[tuple[str, str]] = []
        if call.caller.user_id:
            found.append((CALLER_KEY, tokens.sign(call.caller, self._key, ttl_s=ttl_s)))
        if traceparent:
            found.append((TRACE_KEY, traceparent))
        return tuple(found)


def _repeatable(method: Method, request: bytes) -> bytes:
    """A command without a request id gets one: it may reach a second copy when the first died over it."""
    if "request_id" not in method.request.fields_by_name:
        return request
    try:
        named: str = method.request_class.FromString(request).request_id  # type: ignore[attr-defined]
    except DecodeError:
        return request  # the service says what is wrong with it
    if named:
        return request
    # messages in wire format are merged by writing one after the other
    return request + method.request_class(request_id=new_id("retry")).SerializeToString()


def _once(known: dict[str, T], path: str, make: Callable[[], T]) -> T:
    if path not in known:
        known[path] = make()
    return known[path]


def failure_of(error: grpc.aio.AioRpcError) -> CallFailed:
    """The status with its details; without them what the transport says, in words for people."""
    details = dict(error.trailing_metadata() or ()).get(DETAILS_KEY)
    code: int = error.code().value[0]
    if isinstance(details, bytes):
        try:
            status = status_pb2.Status.FromString(details)
        except DecodeError:
            pass
        else:
            if status.code == code:
                return CallFailed(status)
    message = short(error.details() or "")  # long ones, as Triton's may be, do not fit into the trailers
    if error.code() is grpc.StatusCode.UNAVAILABLE and "connect" in message.lower():
        message = "The service does not answer now; repeat the request."
    return CallFailed(status_pb2.Status(code=code, message=message))

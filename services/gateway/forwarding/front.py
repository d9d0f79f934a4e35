"""The gRPC front: authenticates, then hands published methods on as raw bytes.

Methods with one request are registered as if they took a stream, which is the same on the wire: so nothing of the
request is read into memory before its caller is admitted.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager
from urllib.parse import unquote

import grpc
from google.rpc import code_pb2, status_pb2
from prometheus_client import Histogram

from services.gateway.access import INFERENCE_METHODS, PUBLIC_METHODS, Access
from services.gateway.contract.contract import Contract, Method
from services.gateway.forwarding.calls import Backends, Call, CallFailed
from services.gateway.forwarding.doorway import Doorway
from services.kernel import tracing
from services.kernel.context import current_traceparent, with_trace, within_trace
from services.kernel.errors import DeadlineExceeded, DomainError, Internal, InvalidArgument
from services.kernel.grpc import TRACE_KEY
from services.kernel.grpc.status import DETAILS_KEY, GRPC_CODES, to_status
from services.kernel.logging import get_logger
from services.kernel.metrics import FAST
from services.kernel.storage.outage import database_away

log = get_logger(__name__)

CALLS = Histogram(
    "modelyard_grpc_front_duration_seconds", "Unary calls of other platforms", ["method", "outcome"], buckets=FAST
)

Context = grpc.aio.ServicerContext[bytes, bytes]


class Gate:
    """Admits gRPC calls and turns errors into statuses with details."""

    def __init__(self, access: Access, unary_time_s: float, message_time_s: float) -> None:
        """`message_time_s` is how long the request of an admitted call may take to come in."""
        self._access = access
        self._message_time_s = message_time_s
        self._unary_time_s = unary_time_s
        self._doorway = Doorway()

    @contextmanager
    def operation(self, context: Context, method: str) -> Iterator[None]:
        """Around a unary call: its span, its time."""
        traceparent = _metadata(context).get(TRACE_KEY, "")
        began, outcome = time.perf_counter(), "error"
        try:
            with tracing.span(method.lstrip("/"), kind="server", traceparent=traceparent):
                yield
            outcome = "ok"
        finally:
            CALLS.labels(method.lstrip("/"), outcome).observe(time.perf_counter() - began)

    async def admit(
        self, context: Context, *, public: bool = False, inference: bool = False, streams: bool = False
    ) -> Call:
        """Raises DomainError. Unary calls have a deadline even when the client gave none."""
        metadata = _metadata(context)
        asked = context.time_remaining()
        limit = None if streams else self._unary_time_s
        time_s = min((value for value in (asked, limit) if value is not None), default=None)
        running = current_traceparent()
        with within_trace(running) if running else with_trace(metadata.get(TRACE_KEY, "")):
            return await self._access.admit(
                metadata.get("authorization", ""),
                address=address_of_peer(context.peer()),
                traceparent=current_traceparent(),
                public=public,
                inference=inference,
                time_s=time_s,
            )

    async def only_message(self, requests: AsyncIterator[bytes], call: Call) -> bytes:
        """The request of a method that takes one. Raises InvalidArgument without one, DeadlineExceeded."""
        try:
            return await self.next_message(requests, call)
        except StopAsyncIteration:
            raise InvalidArgument("The request message is missing.", reason="BODY_MISSING") from None

    async def next_message(self, requests: AsyncIterator[bytes], call: Call) -> bytes:
        """The next message of an admitted call. Raises StopAsyncIteration, DeadlineExceeded, ResourceExhausted."""
        if not call.caller.user_id:
            return await self._doorway.read(requests, call.address)
        try:
            async with asyncio.timeout(self._message_time_s):
                return await anext(requests)
        except TimeoutError:
            raise DeadlineExceeded("The request message did not come in time.", reason="BODY_TOO_SLOW") from None

    def holding_stream(self, call: Call) -> AbstractContextManager[None]:
        """Around an open stream. Raises ResourceExhausted when the caller has too many."""
        return self._access.streams.hold(call.caller.user_id or f"address:{call.address}")

    async def abort(self, context: Context, error: Exception, method: str) -> None:
        if isinstance(error, CallFailed):
            status = error.status
        elif told := (error if isinstance(error, DomainError) else database_away(error)):
            status = to_status(told)
        else:
            log.error("grpc_call_failed", method=method, exc_info=error)
            status = to_status(Internal("Something went wrong on our side; it is in the log."))
        code = GRPC_CODES.get(status.code, grpc.StatusCode.UNKNOWN)
        await context.abort(code, status.message, ((DETAILS_KEY, status.SerializeToString()),))


class Forwarder(grpc.GenericRpcHandler):
    """Every published method; what is not published does not exist here."""

    def __init__(self, contract: Contract, gate: Gate, backends: Backends) -> None:
        self._contract = contract
        self._gate = gate
        self._backends = backends

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        method = self._contract.methods.get(handler_call_details.method)
        if method is None:
            return None
        if method.streams:
            return grpc.stream_stream_rpc_method_handler(self._stream(method))
        return grpc.stream_unary_rpc_method_handler(self._unary(method))

    def _unary(self, method: Method) -> Callable[[AsyncIterator[bytes], Context], Awaitable[bytes]]:
        async def behaviour(requests: AsyncIterator[bytes], context: Context) -> bytes:
            try:
                with self._gate.operation(context, method.path):
                    call = await self._gate.admit(
                        context, public=method.path in PUBLIC_METHODS, inference=method.path in INFERENCE_METHODS
                    )
                    request = await self._gate.only_message(requests, call)
                    return await self._backends.of(method).unary(method, request, call)
            except Exception as error:  # the edge: every error becomes a status
                await self._gate.abort(context, error, method.path)
                raise

        return behaviour

    def _stream(self, method: Method) -> Callable[[AsyncIterator[bytes], Context], AsyncIterator[bytes]]:
        async def behaviour(requests: AsyncIterator[bytes], context: Context) -> AsyncGenerator[bytes, None]:
            try:
                call = await self._gate.admit(context, public=method.path in PUBLIC_METHODS, streams=True)
                with self._gate.holding_stream(call):
                    request = await self._gate.only_message(requests, call)
                    async with aclosing(self._backends.of(method).stream(method, request, call)) as source:
                        async for message in source:
                            yield message
            except Exception as error:  # noqa: BLE001  # the edge: every error becomes a status
                await self._gate.abort(context, error, method.path)

        return behaviour


def _metadata(context: Context) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


def address_of_peer(peer: str) -> str:
    """`127.0.0.1` of `ipv4:127.0.0.1:5000`, `::1` of `ipv6:%5B::1%5D:5000`."""
    if not peer.startswith(("ipv4:", "ipv6:")):
        return peer
    return unquote(peer.partition(":")[2]).rpartition(":")[0].strip("[]")


def unimplemented(message: str) -> CallFailed:
    return CallFailed(status_pb2.Status(code=code_pb2.UNIMPLEMENTED, message=message))

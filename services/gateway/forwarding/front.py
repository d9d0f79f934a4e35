"""The gRPC front: authenticates, then hands published methods on as raw bytes."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import grpc
from google.rpc import code_pb2, status_pb2

from services.gateway.access import PUBLIC_METHODS, Access
from services.gateway.contract.contract import Contract, Method
from services.gateway.forwarding.calls import Backends, Call, CallFailed
from services.kernel.context import current_traceparent, with_trace
from services.kernel.errors import DomainError, Internal
from services.kernel.grpc import TRACE_KEY
from services.kernel.grpc.status import DETAILS_KEY, GRPC_CODES, to_status
from services.kernel.logging import get_logger

log = get_logger(__name__)

Context = grpc.aio.ServicerContext[bytes, bytes]


class Gate:
    """Admits gRPC calls and turns errors into statuses with details."""

    def __init__(self, access: Access, unary_time_s: float) -> None:
        self._access = access
        self._unary_time_s = unary_time_s

    async def admit(self, context: Context, *, public: bool = False, streams: bool = False) -> Call:
        """Raises DomainError. Unary calls have a deadline even when the client gave none."""
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        asked = context.time_remaining()
        limit = None if streams else self._unary_time_s
        time_s = min((value for value in (asked, limit) if value is not None), default=None)
        with with_trace(metadata.get(TRACE_KEY, "")):
            return await self._access.admit(
                metadata.get("authorization", ""),
                address=address_of_peer(context.peer()),
                traceparent=current_traceparent(),
                public=public,
                time_s=time_s,
            )

    async def abort(self, context: Context, error: Exception, method: str) -> None:
        if isinstance(error, CallFailed):
            status = error.status
        elif isinstance(error, DomainError):
            status = to_status(error)
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
            return grpc.unary_stream_rpc_method_handler(self._stream(method))
        return grpc.unary_unary_rpc_method_handler(self._unary(method))

    def _unary(self, method: Method) -> Callable[[bytes, Context], Awaitable[bytes]]:
        async def behaviour(request: bytes, context: Context) -> bytes:
            try:
                call = await self._gate.admit(context, public=method.path in PUBLIC_METHODS)
                return await self._backends.of(method).unary(method, request, call)
            except Exception as error:  # the edge: every error becomes a status
                await self._gate.abort(context, error, method.path)
                raise

        return behaviour

    def _stream(self, method: Method) -> Callable[[bytes, Context], AsyncIterator[bytes]]:
        async def behaviour(request: bytes, context: Context) -> AsyncGenerator[bytes, None]:
            try:
                call = await self._gate.admit(context, public=method.path in PUBLIC_METHODS, streams=True)
                async with aclosing(self._backends.of(method).stream(method, request, call)) as source:
                    async for message in source:
                        yield message
            except Exception as error:  # noqa: BLE001  # the edge: every error becomes a status
                await self._gate.abort(context, error, method.path)

        return behaviour


def address_of_peer(peer: str) -> str:
    """`127.0.0.1` of `ipv4:127.0.0.1:5000`."""
    return peer.partition(":")[2].rpartition(":")[0].strip("[]") if peer.startswith(("ipv4:", "ipv6:")) else peer


def unimplemented(message: str) -> CallFailed:
    return CallFailed(status_pb2.Status(code=code_pb2.UNIMPLEMENTED, message=message))

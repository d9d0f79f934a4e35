"""`grpc.health.v1.Health` of the gateway, for load balancers: it needs no token."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import grpc
from grpc_health.v1 import health_pb2

from services.gateway.forwarding.calls import Call
from services.gateway.forwarding.front import Context, Gate
from services.kernel.errors import NotFound
from services.kernel.grpc.messages import parsed

SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
_Answer = health_pb2.HealthCheckResponse


class HealthForwarder(grpc.GenericRpcHandler):
    """The process serves as long as it answers; it knows the empty name and those of `services`."""

    def __init__(self, gate: Gate, services: frozenset[str]) -> None:
        self._gate = gate
        self._known = services | {""}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        if handler_call_details.method == f"/{SERVICE}/Check":
            return grpc.stream_unary_rpc_method_handler(self._check)
        if handler_call_details.method == f"/{SERVICE}/Watch":
            return grpc.stream_stream_rpc_method_handler(self._watch)
        return None

    async def _check(self, requests: AsyncIterator[bytes], context: Context) -> bytes:
        try:
            _, name = await self._asked(requests, context)
            if name not in self._known:
                raise NotFound("There is no such service.", reason="SERVICE_NOT_FOUND")
            answer: bytes = _Answer(status=_Answer.SERVING).SerializeToString()
            return answer
        except Exception as error:  # the edge: every error becomes a status
            await self._gate.abort(context, error, f"/{SERVICE}/Check")
            raise

    async def _watch(self, requests: AsyncIterator[bytes], context: Context) -> AsyncGenerator[bytes, None]:
        try:
            call, name = await self._asked(requests, context)
            with self._gate.holding_stream(call):
                status = _Answer.SERVING if name in self._known else _Answer.SERVICE_UNKNOWN
                yield _Answer(status=status).SerializeToString()
                await asyncio.Event().wait()  # it does not change until the stream breaks
        except Exception as error:  # noqa: BLE001  # the edge: every error becomes a status
            await self._gate.abort(context, error, f"/{SERVICE}/Watch")

    async def _asked(self, requests: AsyncIterator[bytes], context: Context) -> tuple[Call, str]:
        call = await self._gate.admit(context, public=True)
        request = parsed(health_pb2.HealthCheckRequest, await self._gate.only_message(requests, call))
        return call, request.service

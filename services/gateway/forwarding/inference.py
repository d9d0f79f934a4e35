"""The Open Inference Protocol over gRPC, with the ids of our services as model names.

Only inference passes: repository control, shared memory, trace and log settings of Triton are nobody's here.
"""

import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, nullcontext
from typing import TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message
from tritonclient.grpc import service_pb2

from services.gateway.forwarding.calls import Call
from services.gateway.forwarding.front import Context, Gate, unimplemented
from services.gateway.forwarding.resolver import Resolver
from services.gateway.forwarding.traffic import InferenceTraffic
from services.gateway.forwarding.triton import failure_of_triton, real_code
from services.kernel.errors import InvalidArgument
from services.kernel.grpc import CHANNEL_OPTIONS
from services.kernel.grpc.messages import parsed
from services.kernel.traffic import Outcome

SERVICE = "inference.GRPCInferenceService"

M = TypeVar("M", bound=Message)
UnaryCall: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"
StreamCall: TypeAlias = "grpc.aio.StreamStreamMultiCallable[bytes, bytes]"

_INFER = "ModelInfer"
_NAMED: dict[str, tuple[str, type[Message], type[Message]]] = {
    "ModelReady": ("name", service_pb2.ModelReadyRequest, service_pb2.ModelReadyResponse),
    "ModelMetadata": ("name", service_pb2.ModelMetadataRequest, service_pb2.ModelMetadataResponse),
    _INFER: ("model_name", service_pb2.ModelInferRequest, service_pb2.ModelInferResponse),
}
_OTHER = f"{SERVICE}/other"
_SERVER: dict[str, type[Message]] = {
    "ServerLive": service_pb2.ServerLiveRequest,
    "ServerReady": service_pb2.ServerReadyRequest,
}


_MEASURED = frozenset(f"/{SERVICE}/{name}" for name in (*_NAMED, *_SERVER))


class InferenceForwarder(grpc.GenericRpcHandler):
    """`inference.GRPCInferenceService`; `triton` is asked for the server's own state."""

    def __init__(self, gate: Gate, resolver: Resolver, traffic: InferenceTraffic, triton: str) -> None:
        self._gate = gate
        self._resolver = resolver
        self._traffic = traffic
        self._triton = triton
        self._channels: dict[str, grpc.aio.Channel] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        path = handler_call_details.method
        service, _, name = path.removeprefix("/").partition("/")
        if service != SERVICE:
            return None
        if name in _SERVER:
            return grpc.stream_unary_rpc_method_handler(self._guarded(path, self._server_state(path, _SERVER[name])))
        if name in _NAMED:
            return grpc.stream_unary_rpc_method_handler(self._guarded(path, self._model_call(path, name)))
        if name == "ModelStreamInfer":
            return grpc.stream_stream_rpc_method_handler(self._model_stream(path))
        return grpc.stream_unary_rpc_method_handler(self._guarded(path, _refuse(name)))

    def _guarded(
        self, path: str, work: Callable[[bytes, Call], Awaitable[bytes]]
    ) -> Callable[[AsyncIterator[bytes], Context], Awaitable[bytes]]:
        async def behaviour(requests: AsyncIterator[bytes], context: Context) -> bytes:
            try:
                with self._gate.operation(context, path if path in _MEASURED else _OTHER):
                    call = await self._gate.admit(context, inference=True)
                    return await work(await self._gate.only_message(requests, call), call)
            except grpc.aio.AioRpcError as error:
                await self._gate.abort(context, failure_of_triton(error), path)
                raise
            except Exception as error:  # the edge: every error becomes a status
                await self._gate.abort(context, error, path)
                raise

        return behaviour

    def _server_state(self, path: str, request_class: type[Message]) -> Callable[[bytes, Call], Awaitable[bytes]]:
        async def work(request: bytes, call: Call) -> bytes:
            parsed(request_class, request)
            asking: UnaryCall = self._channel(self._triton).unary_unary(path)
            return await asking(request, timeout=call.time_left)

        return work

    def _model_call(self, path: str, name: str) -> Callable[[bytes, Call], Awaitable[bytes]]:
        field, request_class, response_class = _NAMED[name]

        async def work(data: bytes, call: Call) -> bytes:
            request = parsed(request_class, data)
            _require_sizes(request)
            service_id = str(getattr(request, field))
            target = await self._resolver.resolve(service_id, call)
            setattr(request, field, target.model)
            asking: UnaryCall = self._channel(target.grpc).unary_unary(path)
            running = asking(request.SerializeToString(), timeout=call.time_left)
            counting = self._traffic.counting_rpc(service_id) if name == _INFER else nullcontext()
            try:
                with counting:
                    answer = await running
            except grpc.aio.AioRpcError:
                self._resolver.forget(service_id, call)
                raise
            finally:
                running.cancel()
            return _renamed(response_class, answer, field, service_id)

        return work

    def _model_stream(self, path: str) -> Callable[[AsyncIterator[bytes], Context], AsyncIterator[bytes]]:
        async def behaviour(requests: AsyncIterator[bytes], context: Context) -> AsyncGenerator[bytes, None]:
            try:
                call = await self._gate.admit(context, inference=True, streams=True)
                with self._gate.holding_stream(call):
                    async with aclosing(self._answers(path, requests, call)) as answers:
                        async for answer in answers:
                            yield answer
            except grpc.aio.AioRpcError as error:
                await self._gate.abort(context, failure_of_triton(error), path)
            except Exception as error:  # noqa: BLE001  # the edge: every error becomes a status
                await self._gate.abort(context, error, path)

        return behaviour

    async def _answers(self, path: str, requests: AsyncIterator[bytes], call: Call) -> AsyncGenerator[bytes, None]:
        first = parsed(service_pb2.ModelInferRequest, await anext(requests, b""))
        _require_sizes(first)
        service_id = str(getattr(first, "model_name"))  # noqa: B009  # the class has no types
        target = await self._resolver.resolve(service_id, call)
        asking: StreamCall = self._channel(target.grpc).stream_stream(path)
        sent: deque[float] = deque()
        running = asking(self._model_requests(first, requests, service_id, target.model, sent), timeout=call.time_left)
        try:
            async for answer in running:
                message = parsed(service_pb2.ModelStreamInferResponse, answer)
                self._count_answer(service_id, str(message.error_message), sent)
                message.infer_response.model_name = service_id
                yield message.SerializeToString()
        finally:
            running.cancel()

    def _count_answer(self, service_id: str, error: str, sent: deque[float]) -> None:
        """Models answer each request of a stream once and in order. Errors tell no code: only a died model is known."""
        seconds = time.perf_counter() - sent.popleft() if sent else 0.0
        died = real_code(grpc.StatusCode.INTERNAL, error) is grpc.StatusCode.UNAVAILABLE
        outcome = Outcome.FAILED if died else Outcome.REFUSED if error else Outcome.ANSWERED
        self._traffic.count(service_id, outcome, seconds)

    async def _model_requests(
        self, first: Message, others: AsyncIterator[bytes], service_id: str, model: str, sent: deque[float]
    ) -> AsyncGenerator[bytes, None]:
        """One stream talks to one service: rights were checked for that one only. `sent` gets the time of each."""
        first.model_name = model  # type: ignore[attr-defined]
        sent.append(time.perf_counter())
        yield first.SerializeToString()
        async for data in others:
            sent.append(time.perf_counter())
            yield _renamed(service_pb2.ModelInferRequest, data, "model_name", model, expected=service_id)

    def _channel(self, address: str) -> grpc.aio.Channel:
        if address not in self._channels:
            self._channels[address] = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        return self._channels[address]

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()


def _refuse(name: str) -> Callable[[bytes, Call], Awaitable[bytes]]:
    async def work(_request: bytes, _call: Call) -> bytes:
        raise unimplemented(f"{name} is not offered here: models are managed as services.")

    return work


def _renamed(message_class: type[Message], data: bytes, field: str, name: str, *, expected: str = "") -> bytes:
    message = parsed(message_class, data)
    if field in message.DESCRIPTOR.fields_by_name:
        if expected and getattr(message, field) != expected:
            raise InvalidArgument.field(field, f"a stream talks to one service, this one to {expected}")
        setattr(message, field, name)
    _require_sizes(message)
    return message.SerializeToString()


def _require_sizes(message: Message) -> None:
    """Triton answers for tensors without elements as if they were good."""
    if not isinstance(message, service_pb2.ModelInferRequest):
        return
    for at, tensor in enumerate(message.inputs):
        if not tensor.shape or min(tensor.shape) < 1:
            raise InvalidArgument.field(f"inputs[{at}].shape", "sizes of at least 1 were expected", reason="BAD_SHAPE")

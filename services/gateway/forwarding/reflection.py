"""Server reflection, v1 and v1alpha, from the descriptor set."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import suppress

import grpc
from google.protobuf import text_format
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer
from tritonclient.grpc import service_pb2

from services.gateway.contract.contract import Contract
from services.gateway.forwarding.calls import Call
from services.gateway.forwarding.front import Context, Gate
from services.gateway.forwarding.health import SERVICE as HEALTH
from services.gateway.forwarding.inference import SERVICE as INFERENCE
from services.kernel.errors import DeadlineExceeded
from services.kernel.grpc.messages import parsed

SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


def reflection_handlers(contract: Contract, gate: Gate) -> list[grpc.GenericRpcHandler]:
    """Both versions have the same messages on the wire, so one servicer answers for both."""
    pool = DescriptorPool()
    for file in contract.files.file:
        pool.Add(file)
    known = {file.name for file in contract.files.file}
    _add([health_pb2.DESCRIPTOR, service_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR], pool, known)
    pool.Add(_version_one())
    servicer = ReflectionServicer([*contract.services, INFERENCE, HEALTH, *SERVICES], pool)
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(_behaviour(servicer, gate))
    return [grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler}) for name in SERVICES]


def _version_one() -> FileDescriptorProto:
    """Reflection's own proto in version 1, which differs from the other in its package only."""
    alpha = FileDescriptorProto.FromString(reflection_pb2.DESCRIPTOR.serialized_pb)
    text = text_format.MessageToString(alpha).replace("v1alpha", "v1")
    return text_format.Parse(text, FileDescriptorProto())


def _behaviour(
    servicer: ReflectionServicer, gate: Gate
) -> Callable[[AsyncIterator[bytes], Context], AsyncIterator[bytes]]:
    async def behaviour(requests: AsyncIterator[bytes], context: Context) -> AsyncGenerator[bytes, None]:
        try:
            call = await gate.admit(context, public=True)
            with gate.holding_stream(call):
                async for answer in servicer.ServerReflectionInfo(_questions(requests, gate, call), context):
                    yield answer.SerializeToString()
        except Exception as error:  # noqa: BLE001  # the edge: every error becomes a status
            await gate.abort(context, error, f"/{SERVICES[0]}/ServerReflectionInfo")

    return behaviour


async def _questions(
    requests: AsyncIterator[bytes], gate: Gate, call: Call
) -> AsyncGenerator[reflection_pb2.ServerReflectionRequest, None]:
    """What a client asks one after the other; one that has asked and then says nothing more has what it wanted."""
    yield parsed(reflection_pb2.ServerReflectionRequest, await gate.only_message(requests, call))
    with suppress(StopAsyncIteration, DeadlineExceeded):
        while True:
            yield parsed(reflection_pb2.ServerReflectionRequest, await gate.next_message(requests, call))


def _add(files: Iterable[FileDescriptor], pool: DescriptorPool, known: set[str]) -> None:
    for file in files:
        if file.name not in known:
            known.add(file.name)
            _add(file.dependencies, pool, known)
            pool.AddSerializedFile(file.serialized_pb)

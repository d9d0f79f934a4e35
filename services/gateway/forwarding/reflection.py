"""Server reflection, v1 and v1alpha, from the descriptor set."""

from collections.abc import Iterable

import grpc
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer
from tritonclient.grpc import service_pb2

from services.gateway.contract.contract import Contract
from services.gateway.forwarding.inference import SERVICE as INFERENCE

SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
HEALTH = "grpc.health.v1.Health"


def reflection_handlers(contract: Contract) -> list[grpc.GenericRpcHandler]:
    """Both versions have the same messages on the wire, so one servicer answers for both."""
    pool = DescriptorPool()
    for file in contract.files.file:
        pool.Add(file)
    known = {file.name for file in contract.files.file}
    _add([health_pb2.DESCRIPTOR, service_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR], pool, known)
    servicer = ReflectionServicer([*contract.services, INFERENCE, HEALTH, *SERVICES], pool)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return [grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler}) for name in SERVICES]


def _add(files: Iterable[FileDescriptor], pool: DescriptorPool, known: set[str]) -> None:
    for file in files:
        if file.name not in known:
            known.add(file.name)
            _add(file.dependencies, pool, known)
            pool.AddSerializedFile(file.serialized_pb)

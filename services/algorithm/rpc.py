"""The gRPC service: message → command → message."""

import threading

from google.protobuf.empty_pb2 import Empty

from protos.algorithm.v1 import algorithm_pb2
from services.algorithm import handlers
from services.algorithm.bootstrap import SERVICE, build
from services.algorithm.config import settings
from services.algorithm.maintenance import HELD
from services.algorithm.messages import algorithm_message
from services.algorithm.ports import AlgorithmFilter, Ports
from services.kernel import wire
from services.kernel.grpc import server
from services.kernel.maintenance import DESCRIPTOR, MaintenanceRpc

_CHANGEABLE = {"title", "description", "visibility"}


class AlgorithmRpc:
    """`AlgorithmService` of the proto."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def CreateAlgorithm(self, request: algorithm_pb2.CreateAlgorithmRequest) -> algorithm_pb2.Algorithm:
        return algorithm_message(handlers.create_algorithm(request.upload_id, self._ports))

    def GetAlgorithm(self, request: algorithm_pb2.GetAlgorithmRequest) -> algorithm_pb2.Algorithm:
        return algorithm_message(handlers.get_algorithm(request.id, self._ports))

    def ListAlgorithms(self, request: algorithm_pb2.ListAlgorithmsRequest) -> algorithm_pb2.ListAlgorithmsResponse:
        wanted = wire.from_message(request, AlgorithmFilter)
        page = handlers.list_algorithms(wanted, request.page_size, request.page_token, self._ports)
        return algorithm_pb2.ListAlgorithmsResponse(
            algorithms=map(algorithm_message, page.items),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    def UpdateAlgorithm(self, request: algorithm_pb2.UpdateAlgorithmRequest) -> algorithm_pb2.Algorithm:
        change = handlers.AlgorithmChange()
        wire.apply_mask(change, request.algorithm, request.update_mask, allowed=_CHANGEABLE)
        command = handlers.UpdateAlgorithm(request.id, request.algorithm.etag, change)
        return algorithm_message(handlers.update_algorithm(command, self._ports))

    def DeleteAlgorithm(self, request: algorithm_pb2.DeleteAlgorithmRequest) -> Empty:
        handlers.delete_algorithm(request.id, request.etag, self._ports)
        return Empty()

    def OnlineAlgorithm(self, request: algorithm_pb2.OnlineAlgorithmRequest) -> algorithm_pb2.Algorithm:
        return algorithm_message(handlers.online_algorithm(request.id, request.etag, self._ports))

    def OfflineAlgorithm(self, request: algorithm_pb2.OfflineAlgorithmRequest) -> algorithm_pb2.Algorithm:
        return algorithm_message(handlers.offline_algorithm(request.id, request.etag, self._ports))


def run(stop: threading.Event) -> None:
    ports = build(settings())
    service = algorithm_pb2.DESCRIPTOR.services_by_name["AlgorithmService"]
    registrations = [(AlgorithmRpc(ports), service), (MaintenanceRpc(SERVICE, HELD), DESCRIPTOR)]
    server.run(SERVICE, settings(), registrations, stop)

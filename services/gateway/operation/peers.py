"""Asking the other services about themselves."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc

from protos.operation.v1 import maintenance_pb2, maintenance_pb2_grpc
from services.kernel.config import KernelSettings
from services.kernel.errors import DomainError, Unavailable
from services.kernel.grpc import client
from services.kernel.grpc.status import from_rpc_error
from services.kernel.maintenance import BLOB, BUNDLE, FOLDER, Reference

SERVICES = ("dataset", "algorithm", "trainer", "scheduler", "serving")
CONDITION_S = 4.0
REFERENCES_S = 3600.0


class Peers:
    """`MaintenanceService` of every service but the gateway."""

    def __init__(self, settings: KernelSettings, services: Sequence[str] = SERVICES) -> None:
        self._stubs = {
            name: maintenance_pb2_grpc.MaintenanceServiceStub(client.connect(settings, name, as_service="gateway"))
            for name in services
        }

    def conditions(self) -> list[maintenance_pb2.ServiceCondition]:
        """Of all services at once; one that does not answer says so in `error`."""
        with ThreadPoolExecutor(len(self._stubs), thread_name_prefix="condition") as pool:
            return list(pool.map(self._condition, self._stubs))

    def _condition(self, name: str) -> maintenance_pb2.ServiceCondition:
        request = maintenance_pb2.GetServiceConditionRequest()
        try:
            with client.as_itself("gateway"):
                return self._stubs[name].GetServiceCondition(request, timeout=CONDITION_S)
        except DomainError as error:
            return maintenance_pb2.ServiceCondition(service=name, error=error.message)

    def event_queues(self) -> list[str]:
        """The queues of all services that answer."""
        return [queue for condition in self.conditions() for queue in condition.event_queues]

    def references(self) -> Iterator[Reference]:
        """All that all services need. Raises the error of the first that does not say everything."""
        for name, stub in self._stubs.items():
            yield from _references_of(name, stub)


def _references_of(name: str, stub: maintenance_pb2_grpc.MaintenanceServiceStub) -> Iterator[Reference]:
    complete = False
    try:
        with client.as_itself("gateway"):
            stream = stub.ReadReferences(maintenance_pb2.ReadReferencesRequest(), timeout=REFERENCES_S)
        for part in stream:
            for kind in (BUNDLE, BLOB, FOLDER):
                yield from (Reference(kind, name_of) for name_of in getattr(part, kind))
            complete = part.complete
    except grpc.RpcError as error:
        raise from_rpc_error(error) from error
    if not complete:
        raise Unavailable(f"{name} did not name everything that it needs.", reason="REFERENCES_INCOMPLETE")

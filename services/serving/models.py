"""How services are stored."""

from typing import ClassVar

from protos.serving.v1 import serving_pb2
from services.kernel.storage.documents import AggregateDocument, Repository
from services.kernel.wire import to_message
from services.serving.domain import Service, ServiceState

COLLECTION = "services"
_ACTIVE = (ServiceState.STARTING, ServiceState.RUNNING, ServiceState.STOPPING)


class ServiceDocument(AggregateDocument):
    meta: ClassVar[dict[str, object]] = {"collection": COLLECTION, "indexes": ["owner", "state", "leases.workload_id"]}


class ServiceRepository(Repository[Service]):
    def __init__(self) -> None:
        super().__init__(ServiceDocument, Service, aggregate="service", snapshot=snapshot)

    def unsettled(self) -> list[Service]:
        """Those that run, should run, or have something left to clean up."""
        return self.select(
            {"$or": [{"state": {"$in": list(_ACTIVE)}}, {"leases.0": {"$exists": True}}, {"actual_load": {"$gt": 0}}]}
        )


def snapshot(service: Service) -> serving_pb2.Service:
    return to_message(service, serving_pb2.Service)

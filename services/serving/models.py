"""How services are stored."""

from typing import ClassVar

import mongoengine

from protos.serving.v1 import serving_pb2
from services.kernel.entity import utc_now
from services.kernel.storage.documents import AggregateDocument, Repository
from services.kernel.storage.mongo import StoredDocument, collection_of
from services.kernel.wire import to_message
from services.serving.domain import Service, ServiceState

COLLECTION = "services"
ATTENTION = "attention"
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


class AttentionDocument(StoredDocument):
    """One row a service that the reconciler should look at now; `at` is when it was called for."""

    id = mongoengine.StringField(primary_key=True)
    at = mongoengine.DateTimeField()
    meta: ClassVar[dict[str, object]] = {"collection": ATTENTION}


class AttentionStore:
    def call(self, service_id: str) -> None:
        collection_of(AttentionDocument).update_one({"_id": service_id}, {"$set": {"at": utc_now()}}, upsert=True)

    def take(self) -> set[str]:
        """What was called for again while it is being taken stays for the next time."""
        rows = list(collection_of(AttentionDocument).find())
        for row in rows:
            collection_of(AttentionDocument).delete_one({"_id": row["_id"], "at": row["at"]})
        return {str(row["_id"]) for row in rows}


def snapshot(service: Service) -> serving_pb2.Service:
    return to_message(service, serving_pb2.Service)

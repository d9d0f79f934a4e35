"""What every service answers about itself: what it needs of the object store, and how it is."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor

from protos.operation.v1 import maintenance_pb2
from services.kernel.entity import utc_now
from services.kernel.rights import require_service
from services.kernel.storage.condition import SHOWN, Stuck, condition_of
from services.kernel.storage.mongo import BsonDocument, StoredDocument, collection_of, database
from services.kernel.wire import to_message

BATCH = 1000
BUNDLE, BLOB, FOLDER = "bundles", "blobs", "folders"
DESCRIPTOR: ServiceDescriptor = maintenance_pb2.DESCRIPTOR.services_by_name["MaintenanceService"]


@dataclass(frozen=True)
class Held:
    """A field of stored documents that refers to content. `path` goes through sub-documents and lists.

    `kind` is BUNDLE (SHA-256 of an index), BLOB (SHA-256) or FOLDER, whose name is `prefix` and the value.
    """

    document: type[StoredDocument]
    path: str
    kind: str = BUNDLE
    query: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""


@dataclass(frozen=True)
class Patience:
    """How long documents of one kind may stay in a state before somebody should look at them."""

    kind: str
    document: type[StoredDocument]
    limits: Mapping[str, timedelta]
    state: str = "state"
    detail: str = ""


@dataclass(frozen=True)
class Reference:
    kind: str
    name: str


def references(held: Sequence[Held]) -> Iterator[Reference]:
    """Everything that the documents refer to, some of it more than once."""
    for one in held:
        rows = collection_of(one.document).find(dict(one.query), {one.path: 1}, batch_size=BATCH)
        for row in rows:
            for value in _values(row, one.path.split(".")):
                yield Reference(one.kind, one.prefix + value)


def _values(found: object, path: Sequence[str]) -> Iterator[str]:
    if isinstance(found, list):
        for item in found:
            yield from _values(item, path)
    elif path and isinstance(found, dict):
        yield from _values(found.get(path[0]), path[1:])
    elif not path and isinstance(found, str) and found:
        yield found


def stuck(patience: Sequence[Patience]) -> tuple[Stuck, ...]:
    found: list[Stuck] = []
    for one in patience:
        now = utc_now()
        query: BsonDocument = {
            "$or": [{one.state: state, "updated_at": {"$lt": now - limit}} for state, limit in one.limits.items()]
        }
        found += [
            Stuck(one.kind, str(row["_id"]), str(row[one.state]), row["updated_at"], str(row.get(one.detail) or ""))
            for row in collection_of(one.document).find(query).sort("_id").limit(SHOWN)
        ]
    return tuple(found)


class MaintenanceRpc:
    """`MaintenanceService` of the proto for the service whose database is connected."""

    def __init__(self, service: str, held: Sequence[Held] = (), patience: Sequence[Patience] = ()) -> None:
        self._service = service
        self._held = held
        self._patience = patience

    async def ReadReferences(  # noqa: N802
        self, _request: maintenance_pb2.ReadReferencesRequest
    ) -> AsyncIterator[maintenance_pb2.References]:
        require_service()
        found = references(self._held)
        while batch := await asyncio.to_thread(lambda: list(islice(found, BATCH))):
            message = maintenance_pb2.References()
            for one in batch:
                getattr(message, one.kind).append(one.name)
            yield message
        yield maintenance_pb2.References(complete=True)

    def GetServiceCondition(  # noqa: N802
        self, _request: maintenance_pb2.GetServiceConditionRequest
    ) -> maintenance_pb2.ServiceCondition:
        require_service()
        condition = condition_of(self._service, database(), stuck(self._patience))
        return to_message(condition, maintenance_pb2.ServiceCondition)

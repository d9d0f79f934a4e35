"""Aggregates in MongoDB: one document an aggregate, one conditional write and its events a save."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import mongoengine
from google.protobuf.message import Message
from prometheus_client import Counter
from pymongo import DESCENDING
from pymongo.errors import BulkWriteError, DocumentTooLarge, DuplicateKeyError, WriteError

from services.kernel.context import current_caller
from services.kernel.entity import Entity, utc_now
from services.kernel.errors import AlreadyExists, Conflict, NotFound, ResourceExhausted
from services.kernel.logging import get_logger
from services.kernel.pages import Page, PageToken, page_limit
from services.kernel.storage.conversion import from_bson, to_bson, to_bson_value
from services.kernel.storage.events import event_message
from services.kernel.storage.mongo import BsonDocument, StoredDocument, collection_of, service_name
from services.kernel.storage.transactions import in_transaction, on_commit, on_rollback, running_transaction

__all__ = ["AggregateDocument", "Page", "Repository", "require_etag"]

E = TypeVar("E", bound=Entity)
log = get_logger(__name__)

HAPPENED = Counter(
    "modelyard_events_committed_total", "Events that were committed with the state they tell of", ["type"]
)


class AggregateDocument(StoredDocument):
    """Base of the stored aggregates. A subclass gives `meta` with `collection` and `indexes`; fields are dynamic."""

    id = mongoengine.StringField(primary_key=True)
    project = mongoengine.StringField()
    owner = mongoengine.StringField()
    visibility = mongoengine.StringField()
    version = mongoengine.IntField()
    sequence = mongoengine.IntField()
    created_at = mongoengine.DateTimeField()
    updated_at = mongoengine.DateTimeField()
    schema_version = mongoengine.IntField(default=1)

    meta: ClassVar[dict[str, object]] = {"abstract": True}

    SCHEMA_VERSION: ClassVar[int] = 1


def require_etag(entity: Entity, etag: str) -> None:
    """Refuse an update that was prepared for another version: Conflict. An empty `etag` passes."""
    if etag and etag.strip('"') != entity.etag:
        raise Conflict(
            f"{entity.id} was changed meanwhile: its etag is {entity.etag}, the request was made for {etag}.",
            reason="ETAG_MISMATCH",
            metadata={"etag": entity.etag},
        )


class Repository(Generic[E]):
    """Aggregates of one kind.

    `aggregate` is the snake_case name used in event types, `snapshot` makes the resource message that the events
    carry; with `snapshot=None` the aggregate has no events. `observed` is called with the entity and the names of what
    happened to it after each commit that has events. Entities are changed in memory (version, sequence,
    pending) only as far as the transaction commits.
    """

    def __init__(
        self,
        document: type[AggregateDocument],
        entity: type[E],
        *,
        aggregate: str,
        snapshot: Callable[[E], Message] | None,
        observed: Callable[[E, Sequence[str]], None] | None = None,
    ) -> None:
        self.document = document
        self.entity = entity
        self.aggregate = aggregate
        self.snapshot = snapshot
        self.observed = observed

    def get(self, entity_id: str) -> E:
        """The aggregate with this id, or NotFound."""
        body = collection_of(self.document).find_one({"_id": entity_id})
        if body is None:
            raise NotFound(f"There is no {self._noun} {entity_id!r}.", metadata={"id": entity_id})
        return from_bson(body, self.entity)

    def find_one(self, **equals: object) -> E | None:
        body = collection_of(self.document).find_one(_stored_query(equals))
        return None if body is None else from_bson(body, self.entity)

    def find(self, **equals: object) -> list[E]:
        """All aggregates whose fields equal these values, oldest first."""
        return self.select(equals)

    def select(self, query: Mapping[str, object], *, limit: int = 0) -> list[E]:
        """All aggregates that match a MongoDB query over field names, oldest first; `limit` 0 is no limit."""
        found = collection_of(self.document).find(_stored_query(query)).sort("_id").limit(limit)
        return [from_bson(body, self.entity) for body in found]

    def versions(self, query: Mapping[str, object], *, limit: int = 0) -> dict[str, int]:
        """Id and version of all aggregates that match, oldest first: what a reader needs who knows most of them."""
        found = collection_of(self.document).find(_stored_query(query), {"version": 1}).sort("_id").limit(limit)
        return {body["_id"]: body["version"] for body in found}

    def count(self, query: Mapping[str, object]) -> int:
        return collection_of(self.document).count_documents(_stored_query(query))

    def add(self, entity: E) -> None:
        """Store a new aggregate and its events. AlreadyExists when its id or a unique field is taken."""

        def write(body: BsonDocument) -> None:
            try:
                collection_of(self.document).insert_one(body)
            except DuplicateKeyError as error:
                raise self._duplicate(error) from error

        self._store(entity, write)

    def save(self, entity: E) -> None:
        """Replace the stored state if nobody else did since it was read, and write its events.

        Raises Conflict (reason VERSION_CONFLICT, or DELETED: a deleted aggregate does not come back), AlreadyExists
        when a unique field is taken.
        """
        known = entity.version

        def write(body: BsonDocument) -> None:
            try:
                result = collection_of(self.document).replace_one({"_id": entity.id, "version": known}, body)
            except DuplicateKeyError as error:
                raise self._duplicate(error) from error
            if result.matched_count == 0:
                raise self._conflict(entity)

        self._store(entity, write)

    def delete(self, entity: E) -> None:
        """Remove the aggregate if nobody changed it since it was read; events that are pending are still written."""
        known = entity.version

        def write(_body: BsonDocument) -> None:
            if collection_of(self.document).delete_one({"_id": entity.id, "version": known}).deleted_count == 0:
                raise self._conflict(entity)

        self._store(entity, write)

    def page(self, query: Mapping[str, object], *, page_size: int, page_token: str) -> Page[E]:
        """One page of what matches, newest first by id. `page_size` 0 means 50; at most 1000 come.

        Raises InvalidArgument for a negative size and for a token that this same query did not give out.
        """
        stored = _stored_query(query)
        limit = page_limit(page_size)
        after = PageToken.parse(page_token, stored).after if page_token else ""
        wanted: dict[str, Any] = {"$and": [stored, {"_id": {"$lt": after}}]} if after else stored
        documents = collection_of(self.document)
        bodies = list(documents.find(wanted).sort("_id", DESCENDING).limit(limit + 1))
        more = len(bodies) > limit
        items = [from_bson(body, self.entity) for body in bodies[:limit]]
        token = PageToken.after_item(items[-1].id, stored) if more else ""
        return Page(items, token, documents.count_documents(stored))

    @property
    def _noun(self) -> str:
        return self.aggregate.replace("_", " ")

    def _store(self, entity: E, write: Callable[[BsonDocument], None]) -> None:
        if entity.pending and not running_transaction():
            in_transaction(lambda: self._store_joined(entity, write))
        else:
            self._store_joined(entity, write)

    def _store_joined(self, entity: E, write: Callable[[BsonDocument], None]) -> None:
        before = (entity.version, entity.sequence, list(entity.pending), entity.updated_at)

        def restore() -> None:
            entity.version, entity.sequence, entity.pending[:], entity.updated_at = before

        on_rollback(restore)
        events, first = list(entity.pending), entity.sequence + 1
        entity.version += 1
        entity.sequence += len(events)
        entity.pending.clear()
        entity.updated_at = utc_now()
        try:
            write(to_bson(entity) | {"schema_version": self.document.SCHEMA_VERSION})
            for sequence, event in enumerate(events, first):
                self._append(entity, event, sequence)
            if events:
                on_commit(lambda: self._observe(entity, events))
        except (DocumentTooLarge, WriteError, BulkWriteError) as error:
            restore()
            if _too_large(error):
                raise ResourceExhausted(
                    f"The {self._noun} {entity.id!r} is larger than the 16 MiB that can be stored.",
                    reason="DOCUMENT_TOO_LARGE",
                ) from error
            raise
        except BaseException:
            restore()
            raise

    def _observe(self, entity: E, events: Sequence[str]) -> None:
        ids = {f"{self.aggregate}_id": entity.id, **entity.related_ids}
        for event in events:
            HAPPENED.labels(f"{self.aggregate}.{event}").inc()
            log.info(f"{self.aggregate}.{event}", **{name: value for name, value in ids.items() if value})
        if self.observed is not None:
            self.observed(entity, events)

    def _append(self, entity: E, event: str, sequence: int) -> None:
        from services.kernel.messaging import outbox  # messaging stands above storage

        if self.snapshot is None:
            raise TypeError(f"{self.aggregate} has no snapshot function, so it cannot have the event {event!r}")
        outbox.append(
            event_type=f"{self.aggregate}.{event}",
            aggregate_id=entity.id,
            sequence=sequence,
            message=event_message(self.aggregate, event, self.snapshot(entity)),
            project=entity.project,
            actor=current_caller().user_id or f"service:{service_name()}",
        )

    def _conflict(self, entity: E) -> Conflict:
        if collection_of(self.document).find_one({"_id": entity.id}, {"_id": 1}) is None:
            return Conflict(f"The {self._noun} {entity.id!r} was deleted meanwhile.", reason="DELETED")
        return Conflict(
            f"The {self._noun} {entity.id!r} was changed meanwhile; read it again.", reason="VERSION_CONFLICT"
        )

    def _duplicate(self, error: DuplicateKeyError) -> AlreadyExists:
        key: Mapping[str, object] = (error.details or {}).get("keyValue") or {}
        told = ", ".join(f"{'id' if name == '_id' else name} {value!r}" for name, value in key.items())
        return AlreadyExists(f"There is already a {self._noun} with {told or 'this key'}.")


def _stored_query(query: Mapping[str, object]) -> dict[str, Any]:
    """Field names of the entity to those stored, values to bson."""
    return {("_id" if name == "id" else name): to_bson_value(value) for name, value in query.items()}


def _too_large(error: Exception) -> bool:
    return isinstance(error, DocumentTooLarge) or (isinstance(error, WriteError) and error.code in (10334, 17420))

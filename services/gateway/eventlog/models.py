"""The event log in MongoDB: every event once, numbered in the order in which they were written."""

from collections.abc import Sequence
from typing import Any, ClassVar

import mongoengine
from pymongo import ASCENDING, DESCENDING, ReturnDocument

from services.kernel.context import Caller
from services.kernel.entity import utc_now
from services.kernel.messaging.envelope import Event
from services.kernel.storage.expiry import Expiry
from services.kernel.storage.mongo import BsonDocument, StoredDocument, collection_of
from services.kernel.storage.transactions import in_transaction

_SHARED = ("VISIBILITY_PUBLIC", "VISIBILITY_PRESET")


class LoggedEventDocument(StoredDocument):
    """One event; the id is its cursor."""

    id = mongoengine.IntField(primary_key=True)
    event_id = mongoengine.StringField()
    type = mongoengine.StringField()
    owner = mongoengine.StringField()
    visibility = mongoengine.StringField()
    logged_at = mongoengine.DateTimeField()
    schema_version = mongoengine.IntField(default=1)

    meta: ClassVar[dict[str, object]] = {
        "collection": "event_log",
        "indexes": [
            {"fields": ["event_id"], "unique": True},
            ["type", "id"],
        ],
    }
    expiry = Expiry("logged_at", kept="event_log", index="logged_at_1")


class CounterDocument(StoredDocument):
    """The last cursor that was given out."""

    id = mongoengine.StringField(primary_key=True)
    value = mongoengine.IntField()

    meta: ClassVar[dict[str, object]] = {"collection": "event_log_counter"}


COLLECTION = "event_log"
_COUNTER = "event_log"


def append(events: Sequence[Event]) -> int:
    """Log the events that are not there yet; how many those were.

    All writers change the counter, so their transactions come one after the other: a reader that has seen a cursor
    never meets a smaller one later.
    """
    return in_transaction(lambda: _append(events))


def _append(events: Sequence[Event]) -> int:
    log = collection_of(LoggedEventDocument)
    repeated = log.find({"event_id": {"$in": [event.id for event in events]}}, {"event_id": 1})
    known = {row["event_id"] for row in repeated}
    fresh = list({event.id: event for event in events if event.id not in known}.values())
    if not fresh:
        return 0
    counter = collection_of(CounterDocument).find_one_and_update(
        {"_id": _COUNTER}, {"$inc": {"value": len(fresh)}}, upsert=True, return_document=ReturnDocument.BEFORE
    )
    first = (int(counter["value"]) if counter else 0) + 1
    now = utc_now()
    log.insert_many([_row(event, cursor) | {"logged_at": now} for cursor, event in enumerate(fresh, first)])
    return len(fresh)


def _row(event: Event, cursor: int) -> BsonDocument:
    owner, visibility = _owner_of(event)
    return {
        "_id": cursor,
        "event_id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "time": event.time,
        "sequence": event.sequence,
        "actor": event.actor,
        "project": event.project,
        "traceparent": event.traceparent,
        "data": dict(event.data),
        "owner": owner,
        "visibility": visibility,
        "schema_version": 1,
    }


def _owner_of(event: Event) -> tuple[str, str]:
    """Owner and visibility of the snapshot, which is the only member of `data`."""
    snapshot = next(iter(event.data.values()), None)
    if not isinstance(snapshot, dict):
        return "", ""
    return str(snapshot.get("owner", "")), str(snapshot.get("visibility", ""))


def last_cursor() -> int:
    newest = collection_of(LoggedEventDocument).find_one({}, {"_id": 1}, sort=[("_id", DESCENDING)])
    counter = collection_of(CounterDocument).find_one({"_id": _COUNTER})
    return max(int(newest["_id"]) if newest else 0, int(counter["value"]) if counter else 0)


def read_after(cursor: int, query: BsonDocument, limit: int) -> list[BsonDocument]:
    """Rows that match `query`, in order."""
    wanted: dict[str, Any] = {"$and": [{"_id": {"$gt": cursor}}, query]}
    return list(collection_of(LoggedEventDocument).find(wanted).sort("_id", ASCENDING).limit(limit))


def visible_to(caller: Caller) -> BsonDocument:
    """The query for what the caller may see: administrators and services all, others their own and the shared."""
    if caller.is_admin or caller.is_service:
        return {}
    return {"$or": [{"owner": caller.user_id}, {"visibility": {"$in": list(_SHARED)}}]}

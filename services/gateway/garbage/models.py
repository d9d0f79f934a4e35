"""Garbage collections, and what they found, in MongoDB."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

import mongoengine
from pymongo import DESCENDING, ReturnDocument, UpdateOne

from services.kernel.entity import utc_now
from services.kernel.errors import NotFound
from services.kernel.ids import new_id
from services.kernel.pages import Page, PageToken, page_limit
from services.kernel.storage.expiry import Expiry
from services.kernel.storage.mongo import BsonDocument, StoredDocument, collection_of


class State(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class CollectionDocument(StoredDocument):
    """One garbage collection."""

    id = mongoengine.StringField(primary_key=True)
    state = mongoengine.StringField()
    created_at = mongoengine.DateTimeField()
    schema_version = mongoengine.IntField(default=1)

    meta: ClassVar[dict[str, object]] = {"collection": "garbage_collections", "indexes": ["state"]}
    expiry = Expiry("created_at", kept="garbage_reports", index="created_at_1")


class GarbageDocument(StoredDocument):
    """A name that nothing refers to; `since` is when the collection began that found it first."""

    id = mongoengine.StringField(primary_key=True)
    shard = mongoengine.StringField()
    since = mongoengine.DateTimeField()

    meta: ClassVar[dict[str, object]] = {"collection": "garbage", "indexes": ["shard"]}


@dataclass
class ObjectCount:
    objects: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        self.objects += 1
        self.bytes += size


@dataclass
class Counts:
    """As the fields of the message GarbageCollection."""

    scanned: int = 0
    referenced: int = 0
    young: ObjectCount = field(default_factory=ObjectCount)
    waiting: ObjectCount = field(default_factory=ObjectCount)
    removed: ObjectCount = field(default_factory=ObjectCount)
    missing: int = 0
    missing_names: list[str] = field(default_factory=list)


def create(*, dry_run: bool, actor: str) -> BsonDocument:
    row: BsonDocument = {
        "_id": new_id("gc"),
        "state": State.PENDING.value,
        "dry_run": dry_run,
        "actor": actor,
        "created_at": utc_now(),
        "started_at": None,
        "ended_at": None,
        "error": "",
        "schema_version": 1,
        **asdict(Counts()),
    }
    collection_of(CollectionDocument).insert_one(row)
    return row


def get(collection_id: str) -> BsonDocument:
    row = collection_of(CollectionDocument).find_one({"_id": collection_id})
    if row is None:
        raise NotFound(f"There is no garbage collection {collection_id}.", metadata={"id": collection_id})
    return row


def listed(page_size: int, page_token: str) -> Page[BsonDocument]:
    query: dict[str, Any] = {}
    if page_token:
        query = {"_id": {"$lt": PageToken.parse(page_token, {}).after}}
    limit = page_limit(page_size)
    rows = collection_of(CollectionDocument)
    found = list(rows.find(query).sort("_id", DESCENDING).limit(limit + 1))
    token = PageToken.after_item(found[limit - 1]["_id"], {}) if len(found) > limit else ""
    return Page(found[:limit], token, rows.count_documents({}))


def last() -> BsonDocument | None:
    """The newest that was no trial."""
    return collection_of(CollectionDocument).find_one({"dry_run": False}, sort=[("_id", DESCENDING)])


def take() -> BsonDocument | None:
    """The oldest that waits, or that was interrupted, begun (again) now."""
    return collection_of(CollectionDocument).find_one_and_update(
        {"state": {"$in": [State.PENDING.value, State.RUNNING.value]}},
        {"$set": {"state": State.RUNNING.value, "started_at": utc_now()}},
        sort=[("_id", 1)],
        return_document=ReturnDocument.AFTER,
    )


def note(collection_id: str, counts: Counts, **changes: object) -> None:
    collection_of(CollectionDocument).update_one({"_id": collection_id}, {"$set": asdict(counts) | changes})


def is_due(every: timedelta, after_failure: timedelta) -> bool:
    """Whether the last one is long enough ago."""
    row = last()
    if row is None:
        return True
    wait = after_failure if row["state"] == State.FAILED.value else every
    created_at: datetime = row["created_at"]
    return utc_now() - created_at >= min(wait, every)


def known(shard: str) -> dict[str, datetime]:
    """What earlier collections found in a shard: name and since when."""
    return {str(row["_id"]): row["since"] for row in collection_of(GarbageDocument).find({"shard": shard})}


def remember(shard: str, fresh: set[str], since: datetime) -> None:
    notes = [
        UpdateOne({"_id": name}, {"$setOnInsert": {"shard": shard, "since": since}}, upsert=True) for name in fresh
    ]
    if notes:
        collection_of(GarbageDocument).bulk_write(notes, ordered=False)


def forget(names: set[str]) -> None:
    if names:
        collection_of(GarbageDocument).delete_many({"_id": {"$in": list(names)}})


def fail(collection_id: str, error: str) -> None:
    """It ends here; what it has counted so far stays."""
    changes = {"state": State.FAILED.value, "error": error, "ended_at": utc_now()}
    collection_of(CollectionDocument).update_one({"_id": collection_id}, {"$set": changes})

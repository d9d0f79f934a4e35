"""Dead letters in MongoDB, where they can be listed; the broker's queues can only be emptied."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

import mongoengine
from bson import Binary
from pymongo import ASCENDING, DESCENDING

from services.kernel.entity import utc_now
from services.kernel.errors import FailedPrecondition, NotFound
from services.kernel.ids import new_id
from services.kernel.logging import get_logger
from services.kernel.messaging.deadletters import DeadLetter
from services.kernel.messaging.envelope import MalformedEvent, from_json
from services.kernel.pages import Page, PageToken, page_limit
from services.kernel.storage.blobs import put_blob, read_blob
from services.kernel.storage.mongo import BsonDocument, StoredDocument, collection_of
from services.kernel.storage.objects import ObjectStore
from services.kernel.storage.transactions import in_transaction

COLLECTION = "dead_letters"
INLINE_BYTES = 1 << 20
AT_LEAST = timedelta(days=1)
"""How long a dead letter that is being replayed is kept at least."""

log = get_logger(__name__)


class State(StrEnum):
    DEAD = "dead"
    REPLAYING = "replaying"
    REPLAYED = "replayed"
    DROPPED = "dropped"


OPEN = (State.DEAD, State.REPLAYING)


class DeadLetterDocument(StoredDocument):
    """One message of one consumer's queue, however often it died; `key` names both. Its body is here or in a blob."""

    id = mongoengine.StringField(primary_key=True)
    key = mongoengine.StringField()
    queue = mongoengine.StringField()
    state = mongoengine.StringField()
    expires_at = mongoengine.DateTimeField()
    schema_version = mongoengine.IntField(default=1)

    meta: ClassVar[dict[str, object]] = {
        "collection": COLLECTION,
        "indexes": [
            {"fields": ["key"], "unique": True},
            ["state", "queue", "id"],
            {"fields": ["expires_at"], "expireAfterSeconds": 0},
        ],
    }


def key_of(letter: DeadLetter) -> str:
    return hashlib.sha256(f"{letter.queue}\0{letter.message_id}".encode()).hexdigest()


class DeadLetters:
    """`kept` is how long one is kept after its last death."""

    def __init__(self, store: ObjectStore, kept: timedelta) -> None:
        self._store = store
        self._kept = kept

    def collect(self, letters: Sequence[DeadLetter]) -> None:
        """Store what came out of the dead-letter queues. The same messages may come again at any time later."""
        rows = [self._row(letter) for letter in letters]

        def store() -> None:
            for row in rows:
                _collect(row)

        in_transaction(store)

    def _row(self, letter: DeadLetter) -> BsonDocument:
        large = len(letter.body) > INLINE_BYTES
        return {
            "key": key_of(letter),
            "queue": letter.queue,
            "consumer": letter.consumer or letter.queue.partition(".")[0],
            "event_id": letter.message_id,
            **_event_fields(letter),
            "reason": letter.reason,
            "error": letter.error[:4000],
            "attempts": letter.attempts,
            "died_at": letter.died_at,
            "replays": letter.replays,
            "content_type": letter.content_type,
            "content_encoding": letter.content_encoding,
            "app_id": letter.app_id,
            "type": letter.type,
            "headers": dict(letter.headers),
            "size": len(letter.body),
            "body": None if large else Binary(letter.body),
            "blob": put_blob(self._store, letter.body).sha256 if large else "",
            "expires_at": max(letter.died_at + self._kept, utc_now() + AT_LEAST),
            "schema_version": 1,
        }

    def get(self, letter_id: str) -> BsonDocument:
        row = collection_of(DeadLetterDocument).find_one({"_id": letter_id, "state": {"$ne": State.DROPPED.value}})
        if row is None:
            raise NotFound(f"There is no dead letter {letter_id}.", metadata={"id": letter_id})
        return row

    def body_of(self, row: BsonDocument) -> bytes:
        return read_blob(self._store, row["blob"]) if row["blob"] else bytes(row["body"])

    def listed(self, queue: str, state: State | None, page_size: int, page_token: str) -> Page[BsonDocument]:
        """Newest first, without bodies; without `state` those that wait or are on their way."""
        query: BsonDocument = {"state": {"$in": [one.value for one in OPEN]} if state is None else state.value}
        if queue:
            query["queue"] = queue
        limit = page_limit(page_size)
        after = PageToken.parse(page_token, query).after if page_token else ""
        wanted: dict[str, Any] = {"$and": [query, {"_id": {"$lt": after}}]} if after else query
        rows = collection_of(DeadLetterDocument)
        found = list(rows.find(wanted, {"body": 0}).sort("_id", DESCENDING).limit(limit + 1))
        token = PageToken.after_item(found[limit - 1]["_id"], query) if len(found) > limit else ""
        return Page(found[:limit], token, rows.count_documents(query))

    def count_dead(self) -> int:
        return collection_of(DeadLetterDocument).count_documents({"state": State.DEAD.value})

    def request_replay(self, letter_id: str) -> BsonDocument:
        """Note that it is to be replayed; again when it was replayed before. The control loop does it."""
        row = self.get(letter_id)
        if row["state"] != State.REPLAYING.value:
            collection_of(DeadLetterDocument).update_one({"_id": letter_id, "replays": row["replays"]}, self._replay())
        return self.get(letter_id)

    def request_replays(self, queue: str) -> int:
        """The same for all that are dead, of one queue or of all; how many."""
        query = {"state": State.DEAD.value} | ({"queue": queue} if queue else {})
        return collection_of(DeadLetterDocument).update_many(query, self._replay()).modified_count

    def _replay(self) -> dict[str, Any]:
        return {
            "$set": {"state": State.REPLAYING.value, "replay_error": ""},
            "$inc": {"replays": 1},
            "$max": {"expires_at": utc_now() + AT_LEAST},
        }

    def drop(self, letter_id: str) -> None:
        """Forget the message. A row stays until it expires: the broker may deliver the message once more."""
        row = self.get(letter_id)
        nothing = {"state": State.DROPPED.value, "body": Binary(b""), "blob": "", "headers": {}}
        there = {"_id": row["_id"], "state": {"$ne": State.REPLAYING.value}}
        if not collection_of(DeadLetterDocument).update_one(there, {"$set": nothing}).matched_count:
            raise FailedPrecondition(f"{letter_id} is on its way to its consumer.", reason="DEAD_LETTER_REPLAYING")

    def replaying(self, limit: int) -> list[BsonDocument]:
        """What is to be published, the events of one aggregate in their order."""
        rows = collection_of(DeadLetterDocument).find({"state": State.REPLAYING.value})
        order = [("queue", ASCENDING), ("subject", ASCENDING), ("sequence", ASCENDING), ("_id", ASCENDING)]
        return list(rows.sort(order).limit(limit))

    def letter_of(self, row: BsonDocument) -> DeadLetter:
        return DeadLetter(
            queue=row["queue"],
            message_id=row["event_id"],
            body=self.body_of(row),
            replays=row["replays"],
            died_at=row["died_at"],
            content_type=row["content_type"],
            content_encoding=row["content_encoding"],
            type=row["type"],
            app_id=row["app_id"],
            headers=row["headers"],
        )

    def replayed(self, row: BsonDocument) -> None:
        """The broker has it. Nothing changes when it died again meanwhile."""
        self._settle(row, {"state": State.REPLAYED.value, "replayed_at": utc_now()})

    def not_replayed(self, row: BsonDocument, error: str) -> None:
        self._settle(row, {"state": State.DEAD.value, "replay_error": error})

    def _settle(self, row: BsonDocument, changes: BsonDocument) -> None:
        mine = {"_id": row["_id"], "state": State.REPLAYING.value, "replays": row["replays"]}
        collection_of(DeadLetterDocument).update_one(mine, {"$set": changes})


def _collect(row: BsonDocument) -> None:
    rows = collection_of(DeadLetterDocument)
    known = rows.find_one({"key": row["key"]}, {"replays": 1, "deaths": 1, "state": 1})
    if known is None:
        fresh = {"_id": new_id("dl"), "state": State.DEAD.value, "deaths": 1, "first_died_at": row["died_at"]}
        rows.insert_one(row | fresh | {"replayed_at": None, "replay_error": ""})
        log.error("dead_letter", queue=row["queue"], event_id=row["event_id"], error=row["error"][:300])
    elif row["replays"] >= known["replays"] > 0 and known["state"] in (State.REPLAYING, State.REPLAYED):
        # The copy that was replayed has died. An older copy is the message that was stored before: a lost ack.
        again = {"state": State.DEAD.value, "deaths": known["deaths"] + 1}
        rows.update_one({"_id": known["_id"]}, {"$set": row | again | {"replays": known["replays"]}})
        log.error("dead_letter_again", queue=row["queue"], event_id=row["event_id"], error=row["error"][:300])


def _event_fields(letter: DeadLetter) -> BsonDocument:
    try:
        event = from_json(letter.body)
    except MalformedEvent:
        return {"event_type": letter.type, "source": "", "subject": "", "sequence": 0, "event_time": None}
    return {
        "event_type": event.type,
        "source": event.source,
        "subject": event.subject,
        "sequence": event.sequence,
        "event_time": event.time,
    }

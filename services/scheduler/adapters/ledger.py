"""The rounds of the scheduler as they are stored."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import mongoengine
from bson import Binary
from pymongo import DESCENDING

from services.kernel.storage.expiry import Expiry
from services.kernel.storage.mongo import BsonDocument, StoredDocument, collection_of
from services.scheduler.core import ledger
from services.scheduler.core.ledger import Round


class RoundDocument(StoredDocument):
    """A round of the ledger, numbered on; `begins` one that a replay can begin with."""

    id = mongoengine.LongField(primary_key=True)
    at = mongoengine.DateTimeField()
    begins = mongoengine.BooleanField()
    body = mongoengine.BinaryField()

    meta: ClassVar[dict[str, object]] = {"collection": "rounds", "indexes": [["begins", "at"]]}
    expiry = Expiry("at", kept="ledger", index="at_1")


@dataclass(frozen=True)
class StoredRound:
    """`body` is what `core.ledger.dump` has written."""

    number: int
    at: datetime
    body: str


class StoredLedger:
    """All rounds in their order. Two processes that append at once conflict, and one of them has lost its lease."""

    def append(self, rounds: Sequence[Round]) -> None:
        """Number the rounds on; called inside a transaction."""
        if not rounds:
            return
        last = collection_of(RoundDocument).find_one({}, {"_id": 1}, sort=[("_id", DESCENDING)])
        first = last["_id"] + 1 if last else 1
        rows: list[BsonDocument] = [
            {
                "_id": number,
                "at": datetime.fromtimestamp(one.changes.at, UTC),
                "begins": one.changes.begun is not None,
                "body": Binary(zlib.compress(ledger.dump(one))),
            }
            for number, one in enumerate(rounds, first)
        ]
        collection_of(RoundDocument).insert_many(rows)

    def page(self, since: datetime | None, until: datetime | None, after: int, limit: int) -> list[StoredRound]:
        """Rounds after the number `after`. The first page begins with what a replay of `since` has to begin with."""
        query: BsonDocument = {"_id": {"$gt": after}}
        if since is not None and not after:
            newest = [("at", DESCENDING)]
            begins = collection_of(RoundDocument).find_one({"begins": True, "at": {"$lte": since}}, sort=newest)
            query = {"_id": {"$gte": begins["_id"]}} if begins else {"at": {"$gte": since}}
        if until is not None:
            query["at"] = {**query.get("at", {}), "$lte": until}
        rows = collection_of(RoundDocument).find(query).sort("_id").limit(limit)
        return [StoredRound(row["_id"], row["at"], zlib.decompress(row["body"]).decode()) for row in rows]

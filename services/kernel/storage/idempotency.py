"""Commands that are done once, however often they are sent."""

from collections.abc import Callable
from typing import ClassVar

import mongoengine
from bson import Binary

from services.kernel.entity import utc_now
from services.kernel.errors import InvalidArgument
from services.kernel.storage.expiry import Expiry
from services.kernel.storage.mongo import StoredDocument, collection_of
from services.kernel.storage.transactions import in_transaction


class IdempotencyDocument(StoredDocument):
    """The answer to a command, kept for a day unless set otherwise."""

    id = mongoengine.StringField(primary_key=True)
    fingerprint = mongoengine.StringField()
    response = mongoengine.BinaryField()
    created_at = mongoengine.DateTimeField()

    meta: ClassVar[dict[str, object]] = {"collection": "idempotency"}
    expiry = Expiry("created_at", kept="idempotency", index="created_at_1")


def remembered(key: str, work: Callable[[], bytes], *, fingerprint: str = "") -> tuple[bytes, bool]:
    """Run a command in one transaction with the note that it was done; (answer, whether it is an earlier one).

    Of concurrent calls with one key, the first does the work and the others get its answer. Nothing is noted when
    `work` raises. `fingerprint` says what was asked: InvalidArgument (REQUEST_ID_REUSED) if it was something else.
    """
    return in_transaction(lambda: _remembered(key, work, fingerprint))


def _remembered(key: str, work: Callable[[], bytes], fingerprint: str) -> tuple[bytes, bool]:
    notes = collection_of(IdempotencyDocument)
    note = notes.find_one({"_id": key})
    if note is not None:
        if note["fingerprint"] != fingerprint:
            raise InvalidArgument.field(
                "request_id", "was used already for another request", reason="REQUEST_ID_REUSED"
            )
        return bytes(note["response"]), True
    # Noted before the work: a concurrent duplicate runs into a write conflict here, and waits by repeating.
    notes.insert_one({"_id": key, "fingerprint": fingerprint, "response": b"", "created_at": utc_now()})
    response = work()
    notes.update_one({"_id": key}, {"$set": {"response": Binary(response)}})
    return response, False

"""The state of uploads in MongoDB.

A part counts once the upload's `offset` has moved past it. That happens in one conditional update by the holder of the
upload's lock, after the object and together with the part row: whatever is killed in between, the offset tells the
truth.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import mongoengine
from pymongo import ASCENDING, ReturnDocument

from services.kernel.entity import utc_now
from services.kernel.errors import Conflict, NotFound
from services.kernel.storage.mongo import BsonDocument, StoredDocument, collection_of
from services.kernel.storage.transactions import in_transaction
from services.kernel.storage.uploads import Part

LOCK_S = 15.0


class UploadDocument(StoredDocument):
    id = mongoengine.StringField(primary_key=True)
    owner = mongoengine.StringField()
    expires_at = mongoengine.DateTimeField()
    schema_version = mongoengine.IntField(default=1)

    meta: ClassVar[dict[str, object]] = {"collection": "uploads", "indexes": ["owner", "expires_at"]}


class UploadPartDocument(StoredDocument):
    """`<upload>/<offset>`, the size of what is stored there, and its writer, who is part of the object's name."""

    id = mongoengine.StringField(primary_key=True)
    upload = mongoengine.StringField()
    offset = mongoengine.LongField()

    meta: ClassVar[dict[str, object]] = {"collection": "upload_parts", "indexes": [["upload", "offset"]]}


@dataclass(frozen=True)
class Upload:
    """An upload of `size` bytes of which the first `offset` are stored. `metadata` is what the client gave."""

    id: str
    owner: str
    filename: str
    metadata: str
    size: int
    offset: int
    finished: bool
    created_at: datetime
    expires_at: datetime
    parts: int = 0


class MongoUploads:
    """Rows of uploads and parts."""

    def add(self, upload: Upload) -> None:
        body: BsonDocument = upload.__dict__ | {"_id": upload.id, "lock": "", "locked_until": utc_now()}
        del body["id"]
        collection_of(UploadDocument).insert_one(body | {"schema_version": 1})

    def get(self, upload_id: str) -> Upload:
        body = collection_of(UploadDocument).find_one({"_id": upload_id})
        if body is None:
            raise NotFound(f"There is no upload {upload_id}.", reason="UPLOAD_NOT_FOUND")
        return _upload(body)

    def lock(self, upload_id: str) -> str | None:
        """A token for the only writer, or None while there is another. It holds for LOCK_S unless renewed."""
        now, token = utc_now(), secrets.token_hex(16)
        done = collection_of(UploadDocument).update_one(
            {"_id": upload_id, "$or": [{"lock": ""}, {"locked_until": {"$lt": now}}]},
            {"$set": {"lock": token, "locked_until": now + timedelta(seconds=LOCK_S)}},
        )
        return token if done.matched_count else None

    def renew(self, upload_id: str, token: str) -> bool:
        until = utc_now() + timedelta(seconds=LOCK_S)
        done = collection_of(UploadDocument).update_one(
            {"_id": upload_id, "lock": token}, {"$set": {"locked_until": until}}
        )
        return done.matched_count > 0

    def unlock(self, upload_id: str, token: str) -> None:
        collection_of(UploadDocument).update_one({"_id": upload_id, "lock": token}, {"$set": {"lock": ""}})

    def record_part(self, upload_id: str, token: str, offset: int, size: int, expires_at: datetime) -> Upload:
        """Count a part whose object is stored. Conflict when somebody else holds the lock now."""

        def work() -> Upload:
            body = collection_of(UploadDocument).find_one_and_update(
                {"_id": upload_id, "lock": token, "offset": offset},
                {"$set": {"offset": offset + size, "expires_at": expires_at}, "$inc": {"parts": 1}},
                return_document=ReturnDocument.AFTER,
            )
            if body is None:
                raise taken_over()
            row = {"upload": upload_id, "offset": offset, "size": size, "writer": token}
            collection_of(UploadPartDocument).replace_one({"_id": f"{upload_id}/{offset:015d}"}, row, upsert=True)
            return _upload(body)

        return in_transaction(work)

    def parts(self, upload: Upload) -> list[Part]:
        """The parts that count, in order."""
        rows = collection_of(UploadPartDocument).find({"upload": upload.id, "offset": {"$lt": upload.offset}})
        return [
            Part(int(row["offset"]), int(row["size"]), str(row.get("writer", "")))
            for row in rows.sort("offset", ASCENDING)
        ]

    def finish(self, upload_id: str, expires_at: datetime) -> None:
        collection_of(UploadDocument).update_one(
            {"_id": upload_id}, {"$set": {"finished": True, "expires_at": expires_at}}
        )

    def remove(self, upload_id: str) -> None:
        collection_of(UploadPartDocument).delete_many({"upload": upload_id})
        collection_of(UploadDocument).delete_one({"_id": upload_id})

    def expired(self, now: datetime, limit: int) -> list[Upload]:
        rows = collection_of(UploadDocument).find({"expires_at": {"$lt": now}, "locked_until": {"$lt": now}})
        return [_upload(row) for row in rows.limit(limit)]


def taken_over() -> Conflict:
    return Conflict("Another request has gone on with this upload.", reason="UPLOAD_TAKEN_OVER")


def _upload(body: BsonDocument) -> Upload:
    return Upload(
        id=body["_id"],
        owner=body["owner"],
        filename=body["filename"],
        metadata=body["metadata"],
        size=int(body["size"]),
        offset=int(body["offset"]),
        finished=body["finished"],
        created_at=body["created_at"],
        expires_at=body["expires_at"],
        parts=int(body.get("parts", 0)),
    )

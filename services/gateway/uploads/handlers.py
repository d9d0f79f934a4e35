"""What can be done with uploads. All functions block; the HTTP edge calls them in threads."""

from dataclasses import dataclass
from datetime import timedelta

from services.gateway.uploads.models import MongoUploads, Upload, taken_over
from services.kernel.context import Caller
from services.kernel.entity import utc_now
from services.kernel.errors import FailedPrecondition, NotFound, ResourceExhausted
from services.kernel.ids import new_id
from services.kernel.logging import get_logger
from services.kernel.storage import uploads as content
from services.kernel.storage.holds import objects_held
from services.kernel.storage.objects import ObjectStore

log = get_logger(__name__)

PART_BYTES = 16 * 1024 * 1024
MAX_PARTS = 50_000
"""Bounds the manifest when a client sends many tiny requests."""


@dataclass(frozen=True)
class UploadRule:
    """`limit` in bytes. An upload is removed `idle` after its last byte, or `kept` after it is finished."""

    limit: int
    idle: timedelta
    kept: timedelta


@dataclass(frozen=True)
class Uploads:
    """The parts that the functions below work with."""

    rows: MongoUploads
    store: ObjectStore
    rule: UploadRule


def create(uploads: Uploads, caller: Caller, *, size: int, filename: str, metadata: str) -> Upload:
    """A new upload. ResourceExhausted (UPLOAD_TOO_LARGE) above the limit."""
    if size > uploads.rule.limit:
        raise ResourceExhausted(
            f"An upload may have at most {uploads.rule.limit} bytes.",
            reason="UPLOAD_TOO_LARGE",
            metadata={"limit": str(uploads.rule.limit)},
        )
    now = utc_now()
    upload = Upload(
        id=new_id("up"),
        owner=caller.user_id,
        filename=filename,
        metadata=metadata,
        size=size,
        offset=0,
        finished=False,
        created_at=now,
        expires_at=now + uploads.rule.idle,
    )
    uploads.rows.add(upload)
    return complete_if_whole(uploads, upload)


def get(uploads: Uploads, caller: Caller, upload_id: str) -> Upload:
    """The caller's upload; NotFound for those of others too."""
    upload = uploads.rows.get(upload_id)
    if upload.owner != caller.user_id:
        raise NotFound(f"There is no upload {upload_id}.", reason="UPLOAD_NOT_FOUND")
    return complete_if_whole(uploads, upload)


def store_part(uploads: Uploads, upload: Upload, lock: str, data: bytes) -> Upload:
    """Store the bytes that follow `upload.offset`; the upload as it is then. Conflict when the lock was lost."""
    if upload.parts >= MAX_PARTS:
        raise FailedPrecondition(
            "The upload came in too many small pieces; begin a new one.", reason="UPLOAD_TOO_MANY_PARTS"
        )
    if not uploads.rows.renew(upload.id, lock):
        raise taken_over()
    content.put_part(uploads.store, upload.id, upload.offset, data, writer=lock)
    return uploads.rows.record_part(upload.id, lock, upload.offset, len(data), utc_now() + uploads.rule.idle)


def complete_if_whole(uploads: Uploads, upload: Upload) -> Upload:
    """Write the manifest when all bytes are there. Repeated after a crash by whoever looks at the upload next."""
    if upload.finished or upload.offset < upload.size:
        return upload
    content.complete(
        uploads.store,
        upload.id,
        owner=upload.owner,
        filename=upload.filename,
        size=upload.size,
        parts=uploads.rows.parts(upload),
    )
    uploads.rows.finish(upload.id, utc_now() + uploads.rule.kept)
    return uploads.rows.get(upload.id)


def remove(uploads: Uploads, upload: Upload) -> None:
    """Content first: a row without content can be removed again, content without a row would stay."""
    content.delete_upload(uploads.store, upload.id)
    uploads.rows.remove(upload.id)


def remove_expired(uploads: Uploads) -> None:
    """Work of a control loop. While a backup is taken they stay."""
    if objects_held():
        return
    for upload in uploads.rows.expired(utc_now(), limit=100):
        remove(uploads, upload)
        log.info("upload_expired", upload_id=upload.id, finished=upload.finished)

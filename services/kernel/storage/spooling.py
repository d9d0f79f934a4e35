"""Uploads as local files, for readers that need to seek."""

from collections.abc import Callable
from pathlib import Path

from services.kernel.errors import NotFound
from services.kernel.rights import require_caller
from services.kernel.storage.objects import ObjectStore
from services.kernel.storage.uploads import UploadManifest, open_upload, read_manifest

_CHUNK = 4 * 2**20


def own_upload(store: ObjectStore, upload_id: str) -> UploadManifest:
    """The finished upload, if it is the caller's. NotFound (UPLOAD_NOT_FOUND) otherwise: others' do not exist."""
    manifest = read_manifest(store, upload_id)
    caller = require_caller()
    if manifest.owner != caller.user_id and not (caller.is_admin or caller.is_service):
        raise NotFound(f"There is no finished upload {upload_id}.", reason="UPLOAD_NOT_FOUND")
    return manifest


def spool_upload(
    store: ObjectStore, upload_id: str, target: Path, progress: Callable[[int], None] | None = None
) -> None:
    """Copy the content to the file `target`; `progress` hears the bytes done. NotFound."""
    _, stream = open_upload(store, upload_id)
    done = 0
    with target.open("wb") as file:
        while chunk := stream.read(_CHUNK):
            file.write(chunk)
            done += len(chunk)
            if progress:
                progress(done)

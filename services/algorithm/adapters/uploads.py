"""Uploads in the object store."""

from collections.abc import Callable
from pathlib import Path

from services.algorithm.ports import Upload
from services.kernel.storage.objects import ObjectStore
from services.kernel.storage.spooling import own_upload, spool_upload
from services.kernel.storage.transactions import on_commit
from services.kernel.storage.uploads import delete_upload


class StoredUploads:
    """`held` says that nothing may be removed now; what was left goes when the upload expires."""

    def __init__(self, store: ObjectStore, held: Callable[[], bool] = lambda: False) -> None:
        self._store = store
        self._held = held

    def find(self, upload_id: str) -> Upload:
        manifest = own_upload(self._store, upload_id)
        return Upload(manifest.filename, manifest.size)

    def spool(self, upload_id: str, target: Path) -> None:
        spool_upload(self._store, upload_id, target)

    def delete(self, upload_id: str) -> None:
        on_commit(lambda: self._delete(upload_id))

    def _delete(self, upload_id: str) -> None:
        if not self._held():
            delete_upload(self._store, upload_id)

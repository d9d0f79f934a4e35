"""Uploads and stored content, over the object store."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from services.dataset.domain import Sample
from services.dataset.ports import StoredFile, Upload
from services.kernel.storage import bundles
from services.kernel.storage.blobs import put_blob
from services.kernel.storage.objects import ObjectStore
from services.kernel.storage.spooling import own_upload, spool_upload
from services.kernel.storage.uploads import delete_upload
from services.kernel.values import BundleRef

CACHED_SAMPLES = 200_000
"""Samples of all cached indexes together, about 100 MB; larger indexes are read anew each time."""


class StoredUploads:
    """`held` says that nothing may be removed now; what was left goes when the upload expires."""

    def __init__(self, store: ObjectStore, held: Callable[[], bool] = lambda: False) -> None:
        self._store = store
        self._held = held

    def find(self, upload_id: str) -> Upload:
        manifest = own_upload(self._store, upload_id)
        return Upload(manifest.id, manifest.owner, manifest.filename, manifest.size)

    def spool(self, upload_id: str, target: Path, progress: Callable[[int], None]) -> None:
        spool_upload(self._store, upload_id, target, progress)

    def delete(self, upload_id: str) -> None:
        if not self._held():
            delete_upload(self._store, upload_id)


class StoredBundles:
    """Bundles of samples. The indexes used last are kept parsed."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._cache: OrderedDict[str, list[Sample]] = OrderedDict()
        self._lock = threading.Lock()

    def write(self, files: Iterable[StoredFile]) -> BundleRef:
        return bundles.write_bundle(self._store, files)

    def samples(self, ref: BundleRef) -> Iterable[Sample]:
        if ref.files > CACHED_SAMPLES:
            return self._read(ref)
        with self._lock:
            if ref.index in self._cache:
                self._cache.move_to_end(ref.index)
                return self._cache[ref.index]
        found = list(self._read(ref))
        with self._lock:
            self._cache[ref.index] = found
            while sum(map(len, self._cache.values())) > CACHED_SAMPLES:
                self._cache.popitem(last=False)
        return found

    def put_file(self, path: Path) -> str:
        return put_blob(self._store, path).sha256

    def _read(self, ref: BundleRef) -> Iterator[Sample]:
        for entry in bundles.iter_index(self._store, ref):
            meta = entry.meta
            yield Sample(
                path=entry.path,
                class_name=str(meta.get("class", "")),
                split=str(meta.get("split", "train")),
                size=entry.size,
                sha256=entry.sha256,
                excerpt=str(meta.get("excerpt", "")),
            )

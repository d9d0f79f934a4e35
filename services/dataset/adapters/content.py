"""Uploads and stored content, over the object store."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from services.dataset.domain import Sample
from services.dataset.ports import StoredFile, Upload
from services.kernel.errors import NotFound
from services.kernel.storage import bundles
from services.kernel.storage.blobs import put_blob
from services.kernel.storage.objects import ObjectStore
from services.kernel.storage.spooling import own_upload, spool_upload
from services.kernel.storage.uploads import delete_upload
from services.kernel.values import BundleRef

CACHED_SAMPLES = 200_000
"""Samples of all cached indexes together, about 150 MB; larger indexes are read anew each time."""


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


@dataclass(frozen=True)
class _Index:
    """A parsed index: the samples in their order, and the entry of each path."""

    samples: list[Sample]
    entries: dict[str, bundles.IndexEntry]


class StoredBundles:
    """Bundles of samples. The indexes used last are kept parsed."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._cache: OrderedDict[str, _Index] = OrderedDict()
        self._lock = threading.Lock()

    def write(self, files: Iterable[StoredFile]) -> BundleRef:
        return bundles.write_bundle(self._store, files)

    def samples(self, ref: BundleRef) -> Iterable[Sample]:
        if ref.files > CACHED_SAMPLES:
            return map(_sample, bundles.iter_index(self._store, ref))
        return self._index(ref).samples

    def content(self, ref: BundleRef, path: str) -> bytes:
        if ref.files > CACHED_SAMPLES:
            return bundles.read_file(self._store, ref, path)
        entry = self._index(ref).entries.get(path)
        if entry is None:
            raise NotFound(f"There is no sample {path!r}.", reason="FILE_NOT_FOUND", metadata={"path": path})
        return bundles.read_file(self._store, entry)

    def put_file(self, path: Path) -> str:
        return put_blob(self._store, path).sha256

    def _index(self, ref: BundleRef) -> _Index:
        with self._lock:
            if ref.index in self._cache:
                self._cache.move_to_end(ref.index)
                return self._cache[ref.index]
        found = _Index([], {})
        for entry in bundles.iter_index(self._store, ref):
            found.samples.append(_sample(entry))
            found.entries[entry.path] = replace(entry, meta={})  # the sample holds what of it is used
        with self._lock:
            self._cache[ref.index] = found
            while sum(len(index.samples) for index in self._cache.values()) > CACHED_SAMPLES:
                self._cache.popitem(last=False)
        return found


def _sample(entry: bundles.IndexEntry) -> Sample:
    meta = entry.meta
    return Sample(
        path=entry.path,
        class_name=str(meta.get("class", "")),
        split=str(meta.get("split", "train")),
        size=entry.size,
        sha256=entry.sha256,
        excerpt=str(meta.get("excerpt", "")),
    )

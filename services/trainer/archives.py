"""A bundle as a stream of zip bytes, without a temporary file."""

import hashlib
import io
import zipfile
from collections.abc import Iterator

from services.kernel.errors import Internal
from services.kernel.storage import bundles
from services.kernel.storage.blobs import blob_key
from services.kernel.storage.objects import ObjectStore
from services.kernel.values import BundleRef

PIECE = 1024 * 1024
_SMALL = 2**31 - 1
_EPOCH = (1980, 1, 1, 0, 0, 0)


class _Pipe(io.RawIOBase):
    """Collects what the zip writer writes until it is taken; cannot seek, so the writer streams."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        self._parts.append(chunk)
        return len(chunk)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def zip_chunks(store: ObjectStore, ref: BundleRef) -> Iterator[bytes]:
    """The files of the bundle, uncompressed (weights do not shrink), with fixed times: the same bytes every time.

    Nothing is held but a piece at a time. Raises `Internal` when what is stored is not what was written.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for entry in bundles.iter_index(store, ref):
            digest = hashlib.sha256()
            with archive.open(zipfile.ZipInfo(entry.path, _EPOCH), "w", force_zip64=entry.size > _SMALL) as target:
                for chunk in _content(store, entry):
                    digest.update(chunk)
                    target.write(chunk)
                    yield pipe.take()
            if digest.hexdigest() != entry.sha256:
                raise Internal(f"The stored content of {entry.path!r} is damaged.", reason="CONTENT_DAMAGED")
    yield pipe.take()


def _content(store: ObjectStore, entry: bundles.IndexEntry) -> Iterator[bytes]:
    for piece in entry.pieces:
        with store.get(blob_key(piece.pack), piece.offset, piece.size) as source:
            while chunk := source.read(PIECE):
                yield chunk

"""A bundle as a stream of zip bytes, without a temporary file."""

import io
import zipfile
from collections.abc import Iterator

from services.kernel.storage import bundles
from services.kernel.storage.objects import ObjectStore
from services.kernel.values import BundleRef

PIECE = 1024 * 1024
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
    """The files of the bundle, uncompressed (weights do not shrink), with fixed times: the same bytes every time."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for entry in bundles.iter_index(store, ref):
            archive.writestr(zipfile.ZipInfo(entry.path, _EPOCH), bundles.read_file(store, entry))
            yield from _pieces(pipe.take())
    yield from _pieces(pipe.take())


def _pieces(content: bytes) -> Iterator[bytes]:
    """Weights are larger than one message may be."""
    for at in range(0, len(content), PIECE):
        yield content[at : at + PIECE]

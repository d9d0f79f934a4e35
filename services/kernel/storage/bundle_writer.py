"""Writing a bundle: packs in parallel, with bounded memory."""

import gzip
import hashlib
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from services.kernel.errors import InvalidArgument
from services.kernel.storage.blobs import Blob, put_blob, put_object
from services.kernel.storage.bundle_index import entry_line, header_line
from services.kernel.storage.objects import ObjectStore
from services.kernel.storage.paths import PathSet
from services.kernel.values import BundleRef

PACK_BYTES = 8 * 1024 * 1024
_WRITERS = 3

Content = Path | bytes
Meta = Mapping[str, object] | None
Progress = Callable[[int, int], None]
"""Called with (files, bytes) done so far."""


def write_bundle(
    store: ObjectStore, files: Iterable[tuple[str, Content, Meta]], progress: Progress | None = None
) -> BundleRef:
    """Store files as a bundle. `files` yields (path, content or the file that has it, JSON-able metadata or None).

    The same files in the same order give the same bundle. Memory stays near four packs, however many files come.
    Raises InvalidArgument for an unsafe or repeated path and for a source that is not a regular file.
    """
    with _Writer(store) as writer:
        for path, content, meta in files:
            writer.add(path, content, meta)
            if progress:
                progress(writer.files, writer.bytes)
        return writer.finish()


class _Writer:
    def __init__(self, store: ObjectStore) -> None:
        self.files = 0
        self.bytes = 0
        self._store = store
        self._paths = PathSet()
        self._known: dict[bytes, tuple[int, int]] = {}
        self._packs: list[Blob | None] = []
        self._small = bytearray()
        self._small_pack = -1
        self._pool = ThreadPoolExecutor(_WRITERS, thread_name_prefix="bundle")
        self._slots = threading.Semaphore(_WRITERS)
        self._puts: list[Future[None]] = []
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the writer
        self._lines = gzip.GzipFile(fileobj=self._spool, mode="wb", compresslevel=4, mtime=0, filename="")

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._lines.close()
        self._spool.close()

    def add(self, path: str, content: Content, meta: Meta) -> None:
        self._paths.add(path)
        if isinstance(content, bytes):
            blob, place = self._add_bytes(content)
        else:
            blob, place = self._add_file(path, content)
        self._lines.write(entry_line(path, blob, place, dict(meta) if meta else None))
        self.files += 1
        self.bytes += blob.size

    def finish(self) -> BundleRef:
        self._flush_small()
        self._lines.close()
        for put in self._puts:
            put.result()
        packs = [pack for pack in self._packs if pack is not None]
        with tempfile.TemporaryFile() as index:
            index.write(gzip.compress(header_line(packs), compresslevel=4, mtime=0))
            self._spool.seek(0)
            while chunk := self._spool.read(1 << 20):
                index.write(chunk)
            index.seek(0)
            blob = put_blob(self._store, index)
        return BundleRef(blob.sha256, self.files, self.bytes)

    def _add_file(self, path: str, source: Path) -> tuple[Blob, tuple[int, int]]:
        with _open_regular(path, source) as stream:
            first = stream.read(PACK_BYTES)
            if len(first) < PACK_BYTES:
                return self._add_bytes(first)
            return self._add_large(first, stream)

    def _add_bytes(self, content: bytes) -> tuple[Blob, tuple[int, int]]:
        if len(content) >= PACK_BYTES:
            return self._add_large(content, None)
        digest = hashlib.sha256(content)
        place = self._known.get(digest.digest())
        if place is None:
            if len(self._small) + len(content) > PACK_BYTES:
                self._flush_small()
            if self._small_pack < 0:
                self._small_pack = self._new_pack()
            place = (self._small_pack, len(self._small))
            self._small += content
            self._known[digest.digest()] = place
        return Blob(digest.hexdigest(), len(content)), place

    def _add_large(self, first: bytes, rest: BinaryIO | None) -> tuple[Blob, tuple[int, int]]:
        whole, size, place = hashlib.sha256(), 0, len(self._packs)
        view = memoryview(first)
        pieces: Iterable[bytes] = (bytes(view[at : at + PACK_BYTES]) for at in range(0, len(view), PACK_BYTES))
        if rest is not None:
            source = rest
            pieces = _chain(first, source)
        for piece in pieces:
            whole.update(piece)
            size += len(piece)
            self._put(self._new_pack(), piece)
        return Blob(whole.hexdigest(), size), (place, 0)

    def _new_pack(self) -> int:
        self._packs.append(None)
        return len(self._packs) - 1

    def _flush_small(self) -> None:
        if self._small_pack >= 0:
            content, number = bytes(self._small), self._small_pack
            self._small, self._small_pack = bytearray(), -1
            self._put(number, content)

    def _put(self, number: int, content: bytes) -> None:
        """Hand a pack to the pool; waits while all writers are busy, and tells at once when one has failed."""
        self._slots.acquire()
        for put in [put for put in self._puts if put.done()]:
            self._puts.remove(put)
            put.result()
        self._puts.append(self._pool.submit(self._store_pack, number, content))

    def _store_pack(self, number: int, content: bytes) -> None:
        try:
            self._packs[number] = put_object(self._store, content)
        finally:
            self._slots.release()


def _chain(first: bytes, rest: BinaryIO) -> Iterable[bytes]:
    yield first
    while piece := rest.read(PACK_BYTES):
        yield piece


def _open_regular(path: str, source: Path) -> BinaryIO:
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _not_regular(path) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_regular(path)
    return os.fdopen(descriptor, "rb")


def _not_regular(path: str) -> InvalidArgument:
    return InvalidArgument(
        f"{path!r} is not a readable regular file; links and special files are not taken.",
        reason="NOT_A_REGULAR_FILE",
        metadata={"path": path},
    )

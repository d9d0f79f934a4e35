"""Reading a bundle: one file, or the whole as a folder."""

import hashlib
import os
import secrets
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from services.kernel.errors import AlreadyExists, Internal, NotFound
from services.kernel.storage.blobs import blob_key, read_object
from services.kernel.storage.bundle_index import IndexEntry, Piece, iter_index
from services.kernel.storage.objects import ObjectStore
from services.kernel.storage.paths import PathSet
from services.kernel.values import BundleRef

_READERS = 3
PARTIAL_SUFFIX = ".partial"

Progress = Callable[[int, int], None]
"""Called with (packs done, packs in all)."""


def read_file(store: ObjectStore, source: IndexEntry | BundleRef, path: str = "") -> bytes:
    """The verified content of one entry, or of the file `path` of a bundle. NotFound; Internal if damaged."""
    entry = source if isinstance(source, IndexEntry) else find_entry(store, source, path)
    parts: list[bytes] = []
    for piece in entry.pieces:
        with store.get(blob_key(piece.pack), piece.offset, piece.size) as stream:
            parts.append(stream.read())
    content = b"".join(parts)
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise _damaged(entry.path)
    return content


def find_entry(store: ObjectStore, ref: BundleRef, path: str) -> IndexEntry:
    for entry in iter_index(store, ref):
        if entry.path == path:
            return entry
    raise NotFound(f"There is no file {path!r} in the bundle.", reason="FILE_NOT_FOUND", metadata={"path": path})


def materialise(store: ObjectStore, ref: BundleRef, folder: Path, progress: Progress | None = None) -> None:
    """Write all files of the bundle to `folder`, which must not exist (or be empty) and appears whole or not at all.

    Every byte is verified. Raises NotFound, Internal for damaged content, InvalidArgument for an index with a path
    that leaves the folder, AlreadyExists when the folder has content.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.parent / f".{folder.name}.{secrets.token_hex(6)}{PARTIAL_SUFFIX}"
    partial.mkdir()
    try:
        _fill(store, ref, partial, progress)
        try:
            partial.rename(folder)
        except OSError as error:
            raise AlreadyExists(f"The folder {folder.name!r} is there already.", reason="FOLDER_EXISTS") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove_partials(parent: Path) -> None:
    """Remove what killed calls of `materialise` left in `parent`; call it before the first one of a process."""
    for left in parent.glob(f".*{PARTIAL_SUFFIX}"):
        shutil.rmtree(left, ignore_errors=True)


def _fill(store: ObjectStore, ref: BundleRef, folder: Path, progress: Progress | None) -> None:
    tasks = _plan(store, ref, folder)
    lock, done = threading.Lock(), 0

    def write(pack: str) -> None:
        nonlocal done
        _write_pack(read_object(store, pack), folder, tasks[pack])
        with lock:
            done += 1
            if progress:
                progress(done, len(tasks))

    with ThreadPoolExecutor(_READERS, thread_name_prefix="bundle") as pool:
        running = [pool.submit(write, pack) for pack in tasks]
        finished, _ = wait(running, return_when=FIRST_EXCEPTION)
        failed = next((future for future in finished if future.exception()), None)
        if failed is not None:
            pool.shutdown(cancel_futures=True)
            failed.result()


_Place = tuple[IndexEntry, Piece, int]


def _plan(store: ObjectStore, ref: BundleRef, folder: Path) -> dict[str, list[_Place]]:
    """What to write from each pack: (entry, piece, offset in the file). Makes the folders and the empty files."""
    paths, parents = PathSet(), {""}
    tasks: dict[str, list[_Place]] = defaultdict(list)
    for entry in iter_index(store, ref):
        paths.add(entry.path)
        parent = entry.path.rpartition("/")[0]
        if parent not in parents:
            (folder / parent).mkdir(parents=True, exist_ok=True)
            parents.add(parent)
        if not entry.pieces:
            (folder / entry.path).touch()
        at = 0
        for piece in entry.pieces:
            tasks[piece.pack].append((entry, piece, at))
            at += piece.size
    return tasks


def _write_pack(content: bytes, folder: Path, places: list[_Place]) -> None:
    view = memoryview(content)
    base = str(folder)
    for entry, piece, at in places:
        part = view[piece.offset : piece.offset + piece.size]
        if len(entry.pieces) == 1 and hashlib.sha256(part).hexdigest() != entry.sha256:
            raise _damaged(entry.path)
        descriptor = os.open(f"{base}/{entry.path}", os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            written = 0
            while written < len(part):
                written += os.pwrite(descriptor, part[written:], at + written)
        finally:
            os.close(descriptor)


def _damaged(path: str) -> Internal:
    return Internal(f"The stored content of {path!r} is damaged.", reason="CONTENT_DAMAGED", metadata={"path": path})

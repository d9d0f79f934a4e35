"""Objects in a backup: each content once, by its SHA-256."""

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import IO, TypeVar

from deploy.operation.backup.hashing import compressed, decompressed
from deploy.operation.backup.manifest import Manifest, StoredFile
from deploy.operation.backup.sources import Source
from deploy.operation.backup.targets import Target
from deploy.operation.errors import OperationError
from services.kernel.errors import NotFound
from services.kernel.storage.objects import ObjectStore

AHEAD = 4
"""Objects that are on their way at the same time, of at most 16 MiB each."""

_SAY_EVERY = 1000
_BLOB = re.compile(r"blobs/[0-9a-f]{2}/([0-9a-f]{64})")
Say = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """A line of the listing."""

    key: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Listed:
    """All objects of a backup; `new` is how many contents were not in its folder before."""

    listing: StoredFile
    objects: int
    size: int
    new: int
    damaged: list[str]


@dataclass
class _Copying:
    target: Target
    lines: IO[bytes]
    objects: int = 0
    size: int = 0
    new: int = 0
    damaged: list[str] = field(default_factory=list)

    def take(self, entry: Entry | None, content: bytes | None) -> None:
        if entry is None:
            return
        wanted = _BLOB.fullmatch(entry.key)
        if wanted and wanted[1] != entry.sha256:
            self.damaged.append(entry.key)
            return
        if content is not None and self.target.object_size(entry.sha256) != entry.size:
            self.target.put_object(entry.sha256, content)
            self.new += 1
        self.lines.write(json.dumps(asdict(entry)).encode() + b"\n")
        self.objects += 1
        self.size += entry.size


def copy(store: ObjectStore, target: Target, say: Say) -> Listed:
    """Copy every object of the store that the target does not have. To be called after the databases were read."""
    with tempfile.TemporaryFile() as lines, ThreadPoolExecutor(AHEAD, thread_name_prefix="fetch") as pool:
        copying = _Copying(target, lines)
        for keys in _chunks(store.list(""), AHEAD):
            for entry, content in pool.map(lambda key: _fetch(store, target, key), keys):
                copying.take(entry, content)
            if copying.objects % _SAY_EVERY < AHEAD and copying.objects >= _SAY_EVERY:
                say(f"objects: {copying.objects} seen, {copying.new} copied")
        lines.seek(0)
        with target.file("objects.jsonl.gz") as writer:
            with compressed(writer) as stream:
                shutil.copyfileobj(lines, stream)
            listing = writer.file
    say(f"objects: {copying.objects} with {copying.size} bytes, {copying.new} of them copied")
    return Listed(listing, copying.objects, copying.size, copying.new, copying.damaged)


def _fetch(store: ObjectStore, target: Target, key: str) -> tuple[Entry | None, bytes | None]:
    """The object and its content, without content where the target has it; (None, None) if it went away meanwhile."""
    named = _BLOB.fullmatch(key)
    known = target.object_size(named[1]) if named else None
    if named and known is not None:
        return Entry(key, named[1], known), None
    try:
        with store.get(key) as stream:
            content = stream.read()
    except NotFound:
        return None, None
    return Entry(key, hashlib.sha256(content).hexdigest(), len(content)), content


def entries(source: Source, manifest: Manifest) -> Iterator[Entry]:
    """The listing; OperationError when it is damaged."""
    with source.file(manifest.objects) as reader, decompressed(reader) as stream:
        for line in stream:
            try:
                yield Entry(**json.loads(line))
            except (ValueError, TypeError):
                raise OperationError("The backup is damaged: objects.jsonl.gz has a line that is none.") from None


def content_of(source: Source, entry: Entry) -> bytes:
    """The content of an object; OperationError when it is damaged."""
    content = source.read_object(entry.sha256)
    if len(content) != entry.size or hashlib.sha256(content).hexdigest() != entry.sha256:
        raise OperationError(f"The backup is damaged: the content of {entry.key} does not fit its checksum.")
    return content


def restore(store: ObjectStore, source: Source, manifest: Manifest, say: Say) -> None:
    """Put back what the store does not have."""
    done = 0
    with ThreadPoolExecutor(AHEAD, thread_name_prefix="put") as pool:
        for some in _chunks(entries(source, manifest), AHEAD):
            sizes = pool.map(store.stat, _keys(some))
            missing = [entry for entry, size in zip(some, sizes, strict=True) if size != entry.size]
            contents = [content_of(source, entry) for entry in missing]
            list(pool.map(store.put, _keys(missing), contents))
            done += len(some)
            if done % _SAY_EVERY < AHEAD and done >= _SAY_EVERY:
                say(f"objects: {done} of {manifest.object_count}")
    say(f"objects: {done}")


def remove_all(store: ObjectStore) -> None:
    with ThreadPoolExecutor(AHEAD, thread_name_prefix="remove") as pool:
        for keys in _chunks(store.list(""), 100 * AHEAD):
            list(pool.map(store.delete, keys))


def _keys(some: Iterable[Entry]) -> list[str]:
    return [entry.key for entry in some]


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk

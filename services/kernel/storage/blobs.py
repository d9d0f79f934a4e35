"""Content-addressed bytes: the key says the SHA-256, so what is stored never changes and is checked when read."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from services.kernel.entity import utc_now
from services.kernel.errors import Internal, NotFound
from services.kernel.storage.objects import MAX_OBJECT_BYTES, ObjectStore

REUSED_FOR = timedelta(days=1)
"""Age up to which stored content is used again; shorter than any grace period of the garbage collection."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Blob:
    """`sha256` in lower-case hexadecimal, `size` in bytes."""

    sha256: str
    size: int


def blob_key(sha256: str) -> str:
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"not a SHA-256: {sha256!r}")
    return f"blobs/{sha256[:2]}/{sha256}"


def chunks_key(sha256: str) -> str:
    return f"{blob_key(sha256)}.chunks"


def put_blob(store: ObjectStore, data: bytes | Path | BinaryIO) -> Blob:
    """Store content of any size, once. Above 16 MiB it becomes chunks, each a blob itself, and a list of them."""
    if isinstance(data, bytes):
        if len(data) <= MAX_OBJECT_BYTES:
            return put_object(store, data)
        return _put_chunks(store, (data[at : at + MAX_OBJECT_BYTES] for at in range(0, len(data), MAX_OBJECT_BYTES)))
    if isinstance(data, Path):
        with data.open("rb") as stream:
            return _put_stream(store, stream)
    return _put_stream(store, data)


def _put_stream(store: ObjectStore, stream: BinaryIO) -> Blob:
    first = stream.read(MAX_OBJECT_BYTES)
    second = stream.read(MAX_OBJECT_BYTES) if len(first) == MAX_OBJECT_BYTES else b""
    if not second:
        return put_object(store, first)

    def chunks() -> Iterator[bytes]:
        yield first
        yield second
        while chunk := stream.read(MAX_OBJECT_BYTES):
            yield chunk

    return _put_chunks(store, chunks())


def put_object(store: ObjectStore, data: bytes) -> Blob:
    """Store at most 16 MiB under their hash.

    What is there already is used, unless it is old: nobody may refer to it any more, and the collection of garbage
    goes by age. Written again it is young.
    """
    blob = Blob(hashlib.sha256(data).hexdigest(), len(data))
    key = blob_key(blob.sha256)
    known = store.info(key)
    if known is None or known.size != blob.size or utc_now() - known.modified_at > REUSED_FOR:
        store.put(key, data)
    return blob


def _put_chunks(store: ObjectStore, chunks: Iterator[bytes]) -> Blob:
    whole = hashlib.sha256()
    parts: list[Blob] = []
    for chunk in chunks:
        whole.update(chunk)
        parts.append(put_object(store, chunk))
    listing = json.dumps([[part.sha256, part.size] for part in parts]).encode()
    store.put(chunks_key(whole.hexdigest()), listing)
    return Blob(whole.hexdigest(), sum(part.size for part in parts))


def iter_blob(store: ObjectStore, sha256: str) -> Iterator[bytes]:
    """The content in pieces of at most 16 MiB, each verified before it is given out. NotFound; Internal if damaged."""
    try:
        yield read_object(store, sha256)
        return
    except NotFound:
        chunks = _chunks_of(store, sha256)
    whole = hashlib.sha256()
    for chunk in chunks:
        content = read_object(store, chunk.sha256)
        whole.update(content)
        yield content
    if whole.hexdigest() != sha256:
        raise _damaged(sha256)


def read_blob(store: ObjectStore, sha256: str) -> bytes:
    """The whole content, verified. For large content prefer `iter_blob`."""
    return b"".join(iter_blob(store, sha256))


def blob_objects(store: ObjectStore, sha256: str) -> list[str]:
    """The keys that the content lies under; for removing what nobody refers to."""
    if store.exists(blob_key(sha256)):
        return [blob_key(sha256)]
    return [chunks_key(sha256), *(blob_key(chunk.sha256) for chunk in _chunks_of(store, sha256))]


def read_object(store: ObjectStore, sha256: str) -> bytes:
    """The verified content of one object of at most 16 MiB."""
    with store.get(blob_key(sha256)) as stream:
        content = stream.read()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(sha256)
    return content


def _chunks_of(store: ObjectStore, sha256: str) -> list[Blob]:
    try:
        with store.get(chunks_key(sha256)) as stream:
            listing = json.loads(stream.read())
    except NotFound:
        raise NotFound(f"There is no content {sha256}.", reason="OBJECT_NOT_FOUND") from None
    return [Blob(str(part), int(size)) for part, size in listing]


def _damaged(sha256: str) -> Internal:
    return Internal(f"The stored content {sha256} is damaged.", reason="CONTENT_DAMAGED")

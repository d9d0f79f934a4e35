"""The index of a bundle: what `bundles` describes, as types.

Gzip JSON lines. The first is a header `{"bundle": 1, "packs": [[sha256, size], …]}`, each other line a file:
`{"path", "size", "sha256", "pack", "offset", "meta"}`, where `pack` counts from 0 in the header and a file that is
larger than the rest of its pack goes on in the following ones.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from typing_extensions import Buffer

from services.kernel.errors import Internal
from services.kernel.storage.blobs import Blob, blob_key, blob_objects, iter_blob
from services.kernel.storage.objects import ObjectStore
from services.kernel.values import BundleRef

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """`size` bytes from `offset` of the pack with this SHA-256, which is `pack_size` bytes long."""

    pack: str
    pack_size: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One file; its bytes are the pieces one after the other (none for an empty file)."""

    path: str
    size: int
    sha256: str
    pieces: tuple[Piece, ...]
    meta: dict[str, object] = field(default_factory=dict)


def header_line(packs: Iterable[Blob]) -> bytes:
    return _line({"bundle": FORMAT, "packs": [[pack.sha256, pack.size] for pack in packs]})


def entry_line(path: str, content: Blob, place: tuple[int, int], meta: dict[str, object] | None) -> bytes:
    """`place` is (number of the pack, offset in it)."""
    entry: dict[str, object] = {
        "path": path,
        "size": content.size,
        "sha256": content.sha256,
        "pack": place[0],
        "offset": place[1],
    }
    return _line(entry | {"meta": meta} if meta else entry)


def _line(body: dict[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def iter_index(store: ObjectStore, ref: BundleRef) -> Iterator[IndexEntry]:
    """The files of the bundle in the order in which they were written. NotFound; Internal if damaged."""
    lines = gzip.GzipFile(fileobj=io.BufferedReader(_Chunks(iter_blob(store, ref.index))))
    packs: list[Blob] | None = None
    try:
        for line in lines:
            body = json.loads(line)
            if packs is None:
                packs = [Blob(str(sha256), int(size)) for sha256, size in body["packs"]]
                if body["bundle"] != FORMAT:
                    raise Internal(f"The bundle {ref.index} has the unknown format {body['bundle']}.")
            else:
                yield _entry(body, packs)
    except (KeyError, IndexError, TypeError, ValueError, EOFError, OSError, zlib.error) as error:
        raise Internal(f"The index of the bundle {ref.index} is damaged.", reason="CONTENT_DAMAGED") from error


def bundle_objects(store: ObjectStore, ref: BundleRef) -> Iterator[str]:
    """The keys of all objects of a bundle (some more than once): what a collection of unused objects must keep."""
    yield from blob_objects(store, ref.index)
    for entry in iter_index(store, ref):
        for piece in entry.pieces:
            yield blob_key(piece.pack)


def _entry(body: dict[str, object], packs: list[Blob]) -> IndexEntry:
    match body:
        case {"path": str(path), "size": int(size), "sha256": str(sha256), "pack": int(pack), "offset": int(offset)}:
            meta = body.get("meta")
            pieces = tuple(_pieces(packs, pack, offset, size))
            return IndexEntry(path, size, sha256, pieces, meta if isinstance(meta, dict) else {})
    raise ValueError("not an entry")


def _pieces(packs: list[Blob], pack: int, offset: int, size: int) -> Iterator[Piece]:
    if pack < 0 or offset < 0 or size < 0:
        raise ValueError("negative place")
    while size:
        source = packs[pack]
        length = min(size, source.size - offset)
        if length <= 0:
            raise ValueError("an entry behind the end of its pack")
        yield Piece(source.sha256, source.size, offset, length)
        pack, offset, size = pack + 1, 0, size - length


class _Chunks(io.RawIOBase):
    """An iterator of bytes as a stream."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        size = min(len(target), len(self._rest))
        target[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

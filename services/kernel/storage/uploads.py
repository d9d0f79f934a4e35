"""Uploads as rows of objects: `uploads/<id>/<offset>[-<writer>]`, and a manifest that is written last.

There is no multipart upload and no final copy: what has arrived survives a restart of any server. Each writer has names
of its own: one that stood still in mid-write cannot replace what its successor has stored since.
"""

import io
import json
import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from typing_extensions import Buffer

from services.kernel.entity import utc_now
from services.kernel.errors import FailedPrecondition, Internal, InvalidArgument, NotFound
from services.kernel.storage.objects import ObjectStore

_ID = re.compile(r"[a-z0-9-]{1,64}")
_WRITER = re.compile(r"[a-z0-9]{1,64}")
_PARTS_IN_MEMORY = 2


class Part(NamedTuple):
    """Bytes from `offset`, stored by `writer` (empty where there can only be one)."""

    offset: int
    size: int
    writer: str = ""


@dataclass(frozen=True)
class UploadManifest:
    """A finished upload. `parts` are without gaps from 0 to `size`."""

    id: str
    owner: str
    filename: str
    size: int
    parts: tuple[Part, ...]
    created_at: datetime


def _folder(upload_id: str) -> str:
    if not _ID.fullmatch(upload_id):
        raise InvalidArgument("An upload id has only lower-case letters, digits and '-'.", reason="UPLOAD_ID_INVALID")
    return f"uploads/{upload_id}"


def part_key(upload_id: str, offset: int, writer: str = "") -> str:
    if writer and not _WRITER.fullmatch(writer):
        raise ValueError(f"not the name of a writer: {writer!r}")
    return f"{_folder(upload_id)}/{offset:015d}{'-' if writer else ''}{writer}"


def _manifest_key(upload_id: str) -> str:
    return f"{_folder(upload_id)}/manifest.json"


def put_part(store: ObjectStore, upload_id: str, offset: int, data: bytes, writer: str = "") -> None:
    """Store the bytes from `offset`, at most 16 MiB; the same part may be put again."""
    if offset < 0 or not data:
        raise InvalidArgument("A part has an offset of 0 or more and at least one byte.", reason="UPLOAD_PART_INVALID")
    store.put(part_key(upload_id, offset, writer), data)


def stored_parts(store: ObjectStore, upload_id: str) -> list[Part]:
    """The parts that have arrived, by offset."""
    found: list[Part] = []
    for key in store.list(f"{_folder(upload_id)}/"):
        offset, _, writer = key.rpartition("/")[2].partition("-")
        size = store.stat(key) if offset.isdigit() else None
        if size is not None:
            found.append(Part(int(offset), size, writer))
    return sorted(found)


def complete(
    store: ObjectStore,
    upload_id: str,
    *,
    owner: str,
    filename: str,
    size: int,
    parts: Sequence[Part] | None = None,
) -> UploadManifest:
    """Write the manifest, after which the upload can be used. May be repeated.

    `parts` are read from the store when left out. FailedPrecondition (UPLOAD_INCOMPLETE) when bytes are missing.
    """
    known = stored_parts(store, upload_id) if parts is None else sorted(parts)
    end = 0
    for part in known:
        if part.offset != end:
            raise _incomplete(upload_id, end, size)
        end += part.size
    if end != size:
        raise _incomplete(upload_id, end, size)
    manifest = UploadManifest(upload_id, owner, filename, size, tuple(known), utc_now())
    body = manifest.__dict__ | {"created_at": manifest.created_at.isoformat()}
    store.put(_manifest_key(upload_id), json.dumps(body, ensure_ascii=False).encode())
    return manifest


def read_manifest(store: ObjectStore, upload_id: str) -> UploadManifest:
    """The manifest of a finished upload; NotFound (UPLOAD_NOT_FOUND) if there is none or it is not finished."""
    key = _manifest_key(upload_id)
    try:
        with store.get(key) as stream:
            body = json.loads(stream.read())
        return UploadManifest(
            id=body["id"],
            owner=body["owner"],
            filename=body["filename"],
            size=body["size"],
            parts=tuple(Part(int(part[0]), int(part[1]), *map(str, part[2:])) for part in body["parts"]),
            created_at=datetime.fromisoformat(body["created_at"]),
        )
    except NotFound:
        raise NotFound(f"There is no finished upload {upload_id}.", reason="UPLOAD_NOT_FOUND") from None
    except (KeyError, TypeError, ValueError) as error:
        raise Internal(f"The manifest of the upload {upload_id} is damaged.", reason="CONTENT_DAMAGED") from error


def open_upload(store: ObjectStore, upload_id: str) -> tuple[UploadManifest, "UploadStream"]:
    """The manifest and the content as a readable, seekable stream that holds two parts in memory. NotFound."""
    manifest = read_manifest(store, upload_id)
    return manifest, UploadStream(store, manifest)


def delete_upload(store: ObjectStore, upload_id: str) -> None:
    """Remove the upload, manifest first, so that a half removed one cannot be opened."""
    store.delete(_manifest_key(upload_id))
    for key in list(store.list(f"{_folder(upload_id)}/")):
        store.delete(key)


class UploadStream(io.RawIOBase):
    """The bytes of an upload. Parts are fetched when first touched; the two touched last are kept."""

    def __init__(self, store: ObjectStore, manifest: UploadManifest) -> None:
        super().__init__()
        self._store = store
        self._manifest = manifest
        self._position = 0
        self._loaded: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._manifest.size}[whence]
        if base + offset < 0:
            raise ValueError("negative position")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        found = self._part_at(self._position)
        if found is None or not target:
            return 0
        offset, content = found
        start = self._position - offset
        piece = content[start : start + len(target)]
        target[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def read(self, size: int | None = -1, /) -> bytes:
        """Exactly `size` bytes unless the upload ends: archive readers do not expect short reads."""
        wanted = self._manifest.size - self._position if size is None or size < 0 else size
        pieces: list[bytes] = []
        while wanted > 0:
            found = self._part_at(self._position)
            if found is None:
                break
            start = self._position - found[0]
            piece = found[1][start : start + wanted]
            pieces.append(piece)
            self._position += len(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def _part_at(self, position: int) -> tuple[int, bytes] | None:
        if position >= self._manifest.size:
            return None
        index = self._index_of(position)
        offset, size, writer = self._manifest.parts[index]
        content = self._loaded.get(offset)
        if content is None:
            with self._store.get(part_key(self._manifest.id, offset, writer)) as stream:
                content = stream.read()
            if len(content) != size:
                raise Internal(f"A part of the upload {self._manifest.id} is damaged.", reason="CONTENT_DAMAGED")
            self._loaded[offset] = content
        self._loaded.move_to_end(offset)
        while len(self._loaded) > _PARTS_IN_MEMORY:
            self._loaded.popitem(last=False)
        return offset, content

    def _index_of(self, position: int) -> int:
        return bisect_right(self._manifest.parts, position, key=lambda part: part[0]) - 1


def _incomplete(upload_id: str, end: int, size: int) -> FailedPrecondition:
    return FailedPrecondition(
        f"The upload {upload_id} has {end} of {size} bytes in one piece.",
        reason="UPLOAD_INCOMPLETE",
        metadata={"offset": str(end)},
    )

"""Streams that take checksums on the way."""

import gzip
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast

from deploy.operation.backup.manifest import StoredFile
from deploy.operation.errors import OperationError

CHUNK = 1 << 20


class HashingWriter:
    """Writes on to `inner`; knows size and checksum of what went through."""

    def __init__(self, name: str, inner: IO[bytes]) -> None:
        self._name = name
        self._inner = inner
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self._size += len(data)
        self._inner.write(data)
        return len(data)

    def flush(self) -> None:
        self._inner.flush()

    @property
    def file(self) -> StoredFile:
        return StoredFile(self._name, self._digest.hexdigest(), self._size)


class HashingReader:
    """Reads from `inner`; `check` says at the end whether all was as it was written."""

    def __init__(self, wanted: StoredFile, inner: IO[bytes]) -> None:
        self._wanted = wanted
        self._inner = inner
        self._digest = hashlib.sha256()
        self._size = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._inner.read(size)
        self._digest.update(data)
        self._size += len(data)
        return data

    def check(self) -> None:
        """Read what is left. OperationError when checksum or size differ."""
        while self.read(CHUNK):
            pass
        if (self._digest.hexdigest(), self._size) != (self._wanted.sha256, self._wanted.size):
            raise OperationError(f"The backup is damaged: {self._wanted.name} does not fit its checksum.")


@contextmanager
def compressed(writer: HashingWriter) -> Iterator[gzip.GzipFile]:
    with gzip.GzipFile("", "wb", 5, cast(BinaryIO, writer), mtime=0) as stream:
        yield stream


@contextmanager
def decompressed(reader: HashingReader) -> Iterator[gzip.GzipFile]:
    """The content; the checksum is checked when the body has ended well."""
    with gzip.GzipFile("", "rb", fileobj=cast(BinaryIO, reader)) as stream:
        yield stream
    reader.check()

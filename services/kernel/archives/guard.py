"""The limits that hold for every archive, whatever its kind."""

import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

from services.kernel.archives.names import is_litter, name_problem, normal_path, shown
from services.kernel.problems import Problem, Refused

MiB = 2**20
_BUFFER = 256 * 1024

_DAMAGE = (
    EOFError,
    ValueError,
    IndexError,
    OverflowError,
    struct.error,
    gzip.BadGzipFile,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What the libraries raise about content. Other errors of the operating system are no fault of the archive."""


class ArchiveRefused(Refused):
    """The archive is not one that can be read, or one that must not be read."""


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Limits:
    """What an archive may cost. Sizes in bytes, counted while reading; headers are not believed."""

    entries: int = 1_000_000
    total_bytes: int = 100 * 2**30
    ratio: int = 200
    ratio_from: int = 10 * MiB
    depth: int = 32


@dataclass(frozen=True)
class Entry:
    """A file of the archive. `size` is what the header declares. Open it before the next entry is asked for."""

    path: str
    size: int

    source: Callable[[], "Content"]

    def open(self) -> BinaryIO:
        """The content as a stream."""
        return cast(BinaryIO, io.BufferedReader(self.source(), max(512, min(_BUFFER, self.size + 1))))

    def read(self, limit: int) -> bytes:
        """The content, but no more than `limit` + 1 bytes."""
        with closing(self.source()) as content:
            return content.take(limit + 1)


class Guard:
    """Counts one pass over an archive and refuses what goes over the limits.

    `known` is what a complete pass over the same archive has admitted, so that its names need no second look.
    """

    def __init__(self, archive: str, packed_size: int, limits: Limits, known: Sequence[str] = ()) -> None:
        self.archive = archive
        self.admitted: list[str] = []
        self.folders: set[str] = set()
        self._packed_size = packed_size
        self._limits = limits
        self._entries = 0
        self._bytes = 0
        self._files: set[str] = set()
        self._known = known

    def admit(self, name: str, *, is_folder: bool) -> str:
        """The clean path of the next entry; empty when it is to be passed over. Raises ArchiveRefused."""
        self._entries += 1
        path = self._known[self._entries - 1] if self._known else self._judge(name, is_folder)
        self.admitted.append(path)
        return path

    def check_count(self, entries: int) -> None:
        if entries > self._limits.entries:
            raise self.refusal(
                "holds too many entries", f"at most {self._limits.entries} files and folders", "TOO_MANY_ENTRIES"
            )

    def _judge(self, name: str, is_folder: bool) -> str:
        self.check_count(self._entries)
        problem = name_problem(name.rstrip("/") if is_folder else name, self._limits.depth)
        if problem:
            raise ArchiveRefused(problem)
        path = normal_path(name)
        if is_litter(path) or not path:
            return ""
        self._reserve(path, is_folder)
        return "" if is_folder else path

    def refusal(self, message: str, expected: str, reason: str, file: str = "") -> ArchiveRefused:
        return ArchiveRefused(Problem(message=message, expected=expected, reason=reason, file=file or self.archive))

    def count(self, size: int) -> None:
        """Account for `size` unpacked bytes. Raises ArchiveRefused."""
        self._bytes += size
        self.check_total(self._bytes)

    def check_total(self, unpacked: int) -> None:
        if unpacked > self._limits.total_bytes:
            raise self.refusal(
                f"unpacks to more than {self._limits.total_bytes} bytes", "a smaller archive", "ARCHIVE_TOO_LARGE"
            )
        self.check_ratio(unpacked, self._packed_size, self.archive)

    def check_ratio(self, unpacked: int, packed: int, file: str) -> None:
        if unpacked > self._limits.ratio_from and unpacked > self._limits.ratio * max(packed, 1):
            message = f"unpacks to more than {self._limits.ratio} times its size"
            raise self.refusal(message, "data that is not a decompression bomb", "COMPRESSION_BOMB", file)

    def _reserve(self, path: str, is_folder: bool) -> None:
        parts = path.split("/")
        parents = {"/".join(parts[:size]) for size in range(1, len(parts))}
        if is_folder:
            parents.add(path)
        clash = next((parent for parent in parents if parent in self._files), None)
        if clash is not None or (not is_folder and path in self.folders):
            raise self.refusal("is a file and a folder at once", "one of them", "DUPLICATE_PATH", clash or path)
        if not is_folder and path in self._files:
            raise self.refusal(
                "is in the archive more than once (names that differ only in Unicode form are the same)",
                "every path once",
                "DUPLICATE_PATH",
                path,
            )
        self.folders |= parents
        if not is_folder:
            self._files.add(path)


class Content(io.RawIOBase):
    """A stream of unpacked bytes that are counted as they are read, unless a stream below counts them already.

    `packed` is the packed size of the entry `file`, 0 when it has none of its own.
    """

    def __init__(
        self, source: Readable, guard: Guard, file: str = "", packed: int = 0, *, counted: bool = True
    ) -> None:
        self._source = source
        self._guard = guard
        self._file = file
        self._packed = packed
        self._counted = counted
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def take(self, size: int) -> bytes:
        """The next `size` bytes, fewer where the content ends."""
        pieces: list[bytes] = []
        while size > 0 and (piece := self._next(min(size, MiB))):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # RawIOBase always passes a memoryview
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _next(self, size: int) -> bytes:
        with translated(self._guard, self._file):
            data = self._source.read(size)
        if self._counted:
            self._bytes += len(data)
            if self._packed:
                self._guard.check_ratio(self._bytes, self._packed, self._file)
            self._guard.count(len(data))
        return data

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


@contextmanager
def translated(guard: Guard, file: str = "") -> Iterator[None]:
    """Everything that the archive libraries raise about broken content, as one refusal."""
    try:
        yield
    except (NotImplementedError, RuntimeError) as error:
        raise guard.refusal(
            f"is packed in a way that is not supported: {shown(str(error))}",
            "an archive that is not encrypted, packed with deflate",
            "ARCHIVE_UNSUPPORTED",
            file,
        ) from error
    except _DAMAGE as error:
        raise guard.refusal(
            f"is truncated or damaged: {shown(str(error)) or 'it ends too early'}",
            "a complete archive; pack and upload it again",
            "ARCHIVE_CORRUPT",
            file,
        ) from error

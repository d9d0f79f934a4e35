"""Which kind of archive a file is, whatever its name says."""

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from services.kernel.archives.guard import ArchiveRefused, Entry, Guard, Limits
from services.kernel.archives.names import shown
from services.kernel.archives.tars import tar_entries
from services.kernel.archives.zips import zip_entries
from services.kernel.problems import Problem

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP = b"\x1f\x8b"
_BLOCK = 512
_EXPECTED = "a zip, tar or tar.gz archive"
_OTHERS = {b"Rar!": "rar", b"7z\xbc\xaf": "7z", b"\xfd7zXZ": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd"}


class Archive:
    """An archive on disk. Every iteration is one pass from front to back with the limits counted anew.

    Iterating raises ArchiveRefused at the first thing that is wrong; an archive without files is refused at the end.
    `folders` holds the folders, once a pass is complete.
    """

    def __init__(self, path: Path, name: str, kind: str, limits: Limits) -> None:
        self.name = name
        self.kind = kind
        self.folders: set[str] = set()
        self._path = path
        self._limits = limits
        self._admitted: list[str] = []

    def __iter__(self) -> Iterator[Entry]:
        guard = Guard(self.name, self._path.stat().st_size, self._limits, self._admitted)
        if self.kind == "zip":
            entries = zip_entries(self._path, guard)
        else:
            entries = tar_entries(self._path, guard, compressed=self.kind == "tar.gz")
        found = False
        for entry in entries:
            found = True
            yield entry
        if not found:
            raise guard.refusal("is an empty archive: it holds no files", "at least one file", "ARCHIVE_EMPTY")
        if not self._admitted:
            self._admitted, self.folders = guard.admitted, guard.folders


def open_archive(path: Path, name: str, limits: Limits | None = None) -> Archive:
    """The archive in the file `path`; `name` is what the user called it and stands in messages.

    Raises ArchiveRefused when it is none of the kinds that can be read.
    """
    with path.open("rb") as file:
        head = file.read(_BLOCK)
    kind = _kind(path, head)
    if kind:
        return Archive(path, name, kind, limits or Limits())
    label = shown(name)
    if not head:
        raise ArchiveRefused(Problem("is an empty file", f"{_EXPECTED}", "ARCHIVE_EMPTY", label))
    other = next((other for magic, other in _OTHERS.items() if head.startswith(magic)), "")
    if other:
        message = f"is a {other} archive, which cannot be read"
    elif head.startswith(_GZIP):
        message = "is a gzip file, but no tar archive is in it"
    else:
        called = "zip" if name.lower().endswith(".zip") else "tar.gz" if name.lower().endswith("gz") else "tar"
        message = f"is not a {called} archive: it begins with “{_beginning(head)}”"
    raise ArchiveRefused(Problem(f"{message}; a zip, tar or tar.gz was expected", _EXPECTED, "ARCHIVE_UNKNOWN", label))


def _kind(path: Path, head: bytes) -> str:
    if head.startswith(_ZIP):
        return "zip"
    if head.startswith(_GZIP):
        return "tar.gz" if _is_tar(_unpacked_head(path)) else ""
    return "tar" if _is_tar(head) else ""


def _unpacked_head(path: Path) -> bytes:
    try:
        with gzip.open(path) as unpacked:
            return unpacked.read(_BLOCK)
    except (OSError, EOFError, zlib.error):
        # Damaged from the beginning: let the reader say so.
        return bytes(_BLOCK)


def _is_tar(block: bytes) -> bool:
    if len(block) == _BLOCK and not block.strip(b"\0"):
        return True  # nothing but the end mark: an empty archive
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _beginning(head: bytes) -> str:
    text = shown(head[:24].decode("utf-8", "replace").replace("\ufffd", "?"))
    return text + "…" if len(head) > 24 else text

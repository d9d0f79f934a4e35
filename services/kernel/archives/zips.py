"""Entries of zip archives."""

import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from services.kernel.archives.guard import Content, Entry, Guard, translated
from services.kernel.archives.names import decode_name, shown

_UTF8 = 0x800
_ENCRYPTED = 0x1
_DIRECTORY_ENTRY = 46  # bytes of an entry of the directory before its texts


def zip_entries(path: Path, guard: Guard) -> Iterator[Entry]:
    """The files of the zip archive at `path`, in the order of its directory."""
    with translated(guard):
        _count_directory(path, guard)
        archive = zipfile.ZipFile(path)
    with archive:
        declared = packed = 0
        whole = path.stat().st_size
        for info in archive.infolist():
            name = _name(info)
            _refuse_kind(info, name, guard)
            entry_path = guard.admit(name, is_folder=info.is_dir())
            if not entry_path:
                continue
            declared += info.file_size
            packed += info.compress_size + zipfile.sizeFileHeader  # type: ignore[attr-defined]
            if not 0 <= info.header_offset < whole:
                raise guard.refusal(
                    "is said to lie outside the archive", "a complete archive", "ARCHIVE_CORRUPT", entry_path
                )
            if packed > whole:
                raise guard.refusal(
                    "lies on top of another file of the archive", "every file apart", "ARCHIVE_CORRUPT", entry_path
                )
            guard.check_ratio(info.file_size, info.compress_size, entry_path)
            guard.check_total(declared)
            yield Entry(entry_path, info.file_size, _opener(archive, info, guard, entry_path))


def _count_directory(path: Path, guard: Guard) -> None:
    """Count the entries before `zipfile` makes an object of each. The number that the archive declares may lie."""
    with path.open("rb") as file:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
        if not end:
            raise zipfile.BadZipFile("it has no directory")
        left = int(end[zipfile._ECD_SIZE])  # type: ignore[attr-defined]
        is_zip64 = end[zipfile._ECD_SIGNATURE] == zipfile.stringEndArchive64  # type: ignore[attr-defined]
        behind = zipfile.sizeEndCentDir64 + zipfile.sizeEndCentDir64Locator if is_zip64 else 0  # type: ignore[attr-defined]
        file.seek(max(0, int(end[zipfile._ECD_LOCATION]) - left - behind))  # type: ignore[attr-defined]
        entries = 0
        while left > 0 and len(head := file.read(_DIRECTORY_ENTRY)) == _DIRECTORY_ENTRY:
            texts = sum(struct.unpack_from("<HHH", head, 28))  # name, extra field, comment
            file.seek(texts, 1)
            left -= _DIRECTORY_ENTRY + texts
            entries += 1
            guard.check_count(entries)


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo, guard: Guard, path: str) -> Callable[[], Content]:
    def opened() -> Content:
        with translated(guard, path):
            source = archive.open(info)
        return Content(source, guard, path, info.compress_size)

    return opened


def _name(info: zipfile.ZipInfo) -> str:
    """The name as it was meant: `zipfile` reads names without the UTF-8 flag as code page 437 and cuts them at NUL."""
    if info.flag_bits & _UTF8:
        return info.orig_filename
    return decode_name(info.orig_filename.encode("cp437"))


def _refuse_kind(info: zipfile.ZipInfo, name: str, guard: Guard) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise guard.refusal("is encrypted", "an archive without a password", "ARCHIVE_ENCRYPTED", shown(name))
    kind = stat.S_IFMT(info.external_attr >> 16)
    if stat.S_ISLNK(kind):
        raise guard.refusal("is a symbolic link", "files and folders only", "LINK", shown(name))
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise guard.refusal("is a device or special file", "files and folders only", "SPECIAL_FILE", shown(name))

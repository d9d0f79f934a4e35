"""Entries of tar archives, plain or compressed with gzip, read in one go from front to back."""

import gzip
import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Self, cast

from services.kernel.archives.guard import Content, Entry, Guard, MiB, translated
from services.kernel.archives.names import decode_name, shown

_BUFFER = 256 * 1024
_HEADER_DATA = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}
_END_ERRORS = (tarfile.EmptyHeaderError, tarfile.TruncatedHeaderError, tarfile.InvalidHeaderError)  # type: ignore[attr-defined]


class _StrictTarInfo(tarfile.TarInfo):
    """`tarfile` takes a damaged header in the middle for the end of the archive, and reads headers of any size."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except _END_ERRORS as error:
            raise tarfile.ReadError(f"damaged header: {error}") from error

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADER_DATA and self.size > MiB:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return cast(tarfile.TarInfo, super()._proc_member(archive))  # type: ignore[misc]


def tar_entries(path: Path, guard: Guard, *, compressed: bool) -> Iterator[Entry]:
    """The files of the archive at `path`, in its order."""
    with path.open("rb") as file, _unpacked(file, compressed) as unpacked:
        stream = io.BufferedReader(Content(unpacked, guard), _BUFFER)
        with translated(guard):
            archive = tarfile.open(fileobj=stream, mode="r|", tarinfo=_StrictTarInfo, encoding="utf-8")  # noqa: SIM115
        while True:
            with translated(guard):
                info = archive.next()
            if info is None:
                break
            archive.members.clear()  # type: ignore[attr-defined]  # it would keep a million of them
            archive.pax_headers.clear()  # type: ignore[attr-defined]  # and copy all global headers into each of them
            name = decode_name(info.name.encode("utf-8", "surrogateescape"))
            _refuse_kind(info, name, guard)
            entry_path = guard.admit(name, is_folder=info.isdir())
            if entry_path:
                yield Entry(entry_path, info.size, _opener(archive, info, guard, entry_path))
        while stream.read(MiB):
            pass  # the rest: gzip checks its sum at the end


def _unpacked(file: BinaryIO, compressed: bool) -> BinaryIO:
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if compressed else file


def _opener(archive: tarfile.TarFile, info: tarfile.TarInfo, guard: Guard, path: str) -> Callable[[], Content]:
    def opened() -> Content:
        with translated(guard, path):
            source = archive.extractfile(info)
        assert source is not None  # only regular files get here
        return Content(source, guard, path, counted=False)

    return opened


def _refuse_kind(info: tarfile.TarInfo, name: str, guard: Guard) -> None:
    if info.issym() or info.islnk():
        kind = "symbolic" if info.issym() else "hard"
        raise guard.refusal(f"is a {kind} link", "files and folders only", "LINK", shown(name))
    if info.issparse():
        raise guard.refusal("is a sparse file", "files and folders only", "SPECIAL_FILE", shown(name))
    if not (info.isreg() or info.isdir()):
        raise guard.refusal("is a device or special file", "files and folders only", "SPECIAL_FILE", shown(name))

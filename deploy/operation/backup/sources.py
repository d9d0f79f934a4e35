"""Where a backup is read from."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Protocol

from deploy.operation.backup.hashing import HashingReader
from deploy.operation.backup.manifest import Manifest, StoredFile, parse_manifest
from deploy.operation.backup.targets import MANIFEST, object_name
from deploy.operation.errors import OperationError


class Source(Protocol):
    """A backup that was finished."""

    def manifest(self) -> Manifest: ...

    def file(self, file: StoredFile) -> AbstractContextManager[HashingReader]: ...

    def read_object(self, sha256: str) -> bytes:
        """The content, not verified. OperationError when it is not there."""


@contextmanager
def open_source(path: Path, backup_id: str = "") -> Iterator[Source]:
    """The backup in a ZIP file, or one of a folder: the newest unless its id is given."""
    if not path.exists():
        raise OperationError(f"There is no backup at {path}.")
    if path.is_dir():
        yield FolderSource(path, backup_id or _newest(path))
        return
    try:
        with zipfile.ZipFile(path) as archive:
            yield ZipSource(path, archive)
    except zipfile.BadZipFile as error:
        raise OperationError(f"The backup is damaged: {path} is not a whole ZIP file ({error}).") from error


def backup_ids(folder: Path) -> list[str]:
    """The finished backups of a folder, oldest first."""
    return sorted(path.parent.name for path in (folder / "backups").glob(f"*/{MANIFEST}"))


def _newest(folder: Path) -> str:
    found = backup_ids(folder)
    if not found:
        raise OperationError(f"There is no finished backup in {folder}.")
    return found[-1]


class FolderSource:
    def __init__(self, folder: Path, backup_id: str) -> None:
        self._folder = folder
        self._backup = folder / "backups" / backup_id
        if backup_id not in backup_ids(folder):
            raise OperationError(f"There is no backup {backup_id} in {folder}; see `modelyard backups list {folder}`.")

    def manifest(self) -> Manifest:
        return parse_manifest((self._backup / MANIFEST).read_bytes())

    @contextmanager
    def file(self, file: StoredFile) -> Iterator[HashingReader]:
        with _opened(self._backup / file.name, file.name) as stream, _damage_of(file.name):
            yield HashingReader(file, stream)

    def read_object(self, sha256: str) -> bytes:
        with _opened(self._folder / object_name(sha256), object_name(sha256)) as stream:
            return stream.read()


def _opened(path: Path, name: str) -> IO[bytes]:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise OperationError(f"The backup is damaged: {name} is missing.") from None


class ZipSource:
    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive

    def manifest(self) -> Manifest:
        return parse_manifest(self._read(MANIFEST))

    @contextmanager
    def file(self, file: StoredFile) -> Iterator[HashingReader]:
        with self._open(file.name) as stream, _damage_of(file.name):
            yield HashingReader(file, stream)

    def read_object(self, sha256: str) -> bytes:
        return self._read(object_name(sha256))

    def _read(self, name: str) -> bytes:
        with self._open(name) as stream, _damage_of(name):
            return stream.read()

    def _open(self, name: str) -> IO[bytes]:
        try:
            return self._archive.open(name)
        except KeyError:
            raise OperationError(f"The backup is damaged: {name} is missing.") from None
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            # a damaged header may ask for a password, a method or a place that there is not
            raise OperationError(f"The backup is damaged: {name} cannot be opened ({error}).") from error


@contextmanager
def _damage_of(name: str) -> Iterator[None]:
    """What the libraries say of damaged files, in our words."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise OperationError(f"The backup is damaged: {name} cannot be read ({error}).") from error
    except OSError as error:
        # gzip's BadGzipFile is an OSError without a number
        if error.errno is not None:
            raise
        raise OperationError(f"The backup is damaged: {name} cannot be read ({error}).") from error

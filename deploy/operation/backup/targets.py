"""Where a backup is written: into a folder, which shares objects among its backups, or into one ZIP file."""

import fcntl
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from deploy.operation.backup.hashing import HashingWriter
from deploy.operation.errors import OperationError

MANIFEST = "manifest.json"
_OWNER_ONLY = 0o600


class Target(Protocol):
    """A backup in the making. Until `finish` nothing of it can be taken for a backup."""

    def file(self, name: str) -> AbstractContextManager[HashingWriter]:
        """A new file of the backup."""

    def object_size(self, sha256: str) -> int | None:
        """The size of an object's content when it is there already."""

    def put_object(self, sha256: str, content: bytes) -> None: ...

    def finish(self, manifest: bytes) -> None:
        """Write the manifest, after which the backup is whole."""


def object_name(sha256: str) -> str:
    return f"objects/{sha256[:2]}/{sha256}"


@contextmanager
def open_target(path: Path, backup_id: str) -> Iterator[Target]:
    """A ZIP file when the name ends in `.zip`, else a folder. What was not finished is removed."""
    with _zip_target(path) if path.suffix == ".zip" else _folder_target(path, backup_id) as target:
        yield target


class FolderTarget:
    """`<folder>/.partial-<id>` until it is whole, then `<folder>/backups/<id>`."""

    def __init__(self, folder: Path, backup_id: str) -> None:
        self._folder = folder
        self._whole = folder / "backups" / backup_id
        self._partial = folder / f".partial-{backup_id}"
        self._partial.mkdir(mode=0o700)

    @contextmanager
    def file(self, name: str) -> Iterator[HashingWriter]:
        path = self._partial / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "wb") as stream:
            yield HashingWriter(name, stream)
            stream.flush()
            os.fsync(stream.fileno())

    def object_size(self, sha256: str) -> int | None:
        try:
            return (self._folder / object_name(sha256)).stat().st_size
        except FileNotFoundError:
            return None

    def put_object(self, sha256: str, content: bytes) -> None:
        path = self._folder / object_name(sha256)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self._partial / "object"
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY), "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)

    def finish(self, manifest: bytes) -> None:
        with self.file(MANIFEST) as stream:
            stream.write(manifest)
        self._whole.parent.mkdir(exist_ok=True, mode=0o700)
        self._partial.rename(self._whole)
        for folder in (self._whole, self._whole.parent, self._folder):
            _sync_folder(folder)


@contextmanager
def _folder_target(folder: Path, backup_id: str) -> Iterator[Target]:
    if folder.exists() and not folder.is_dir():
        raise OperationError(f"{folder} is a file: name a folder, or a file that ends in .zip and is not there yet.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperationError(f"Another backup is being written to {folder}.") from None
        _remove_partials(folder)
        try:
            yield FolderTarget(folder, backup_id)
        finally:
            _remove_partials(folder)


def _remove_partials(folder: Path) -> None:
    for left_over in folder.glob(".partial-*"):
        shutil.rmtree(left_over)


class ZipTarget:
    """A ZIP file has its directory at the end: one that was broken off cannot be opened."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @contextmanager
    def file(self, name: str) -> Iterator[HashingWriter]:
        with self._archive.open(name, "w", force_zip64=True) as stream:
            yield HashingWriter(name, stream)

    def object_size(self, sha256: str) -> int | None:
        info = self._archive.NameToInfo.get(object_name(sha256))
        return info.file_size if info else None

    def put_object(self, sha256: str, content: bytes) -> None:
        self._archive.writestr(object_name(sha256), content)

    def finish(self, manifest: bytes) -> None:
        self._archive.writestr(MANIFEST, manifest)


@contextmanager
def _zip_target(path: Path) -> Iterator[Target]:
    if path.exists():
        raise OperationError(f"{path} is there already: backups are not overwritten.")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY), "w+b") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                yield ZipTarget(archive)
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(path)
        _sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

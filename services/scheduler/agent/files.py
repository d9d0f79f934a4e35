"""Inputs into a work folder, outputs out of it."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from services.kernel.storage import bundles
from services.kernel.storage.blobs import iter_blob
from services.kernel.storage.objects import ObjectStore
from services.kernel.values import BundleRef
from services.scheduler.domain import WorkloadInput, WorkloadSpec
from services.scheduler.engines.process.engine import Place

_STAGED = "staged"


def stage(store: ObjectStore, place: Place, spec: WorkloadSpec) -> None:
    """Lay all inputs into the work folder. Repeated from the beginning until it was complete once."""
    marker = place.folder / _STAGED
    if marker.exists():
        return
    shutil.rmtree(place.work, ignore_errors=True)
    place.work.mkdir(parents=True)
    # Folders come before the files that are laid into them.
    for item in sorted(spec.inputs, key=lambda item: (item.path.count("/"), item.path)):
        target = place.work / item.path
        target.parent.mkdir(parents=True, exist_ok=True)
        _lay(store, item, target)
    marker.touch()


def _lay(store: ObjectStore, item: WorkloadInput, target: Path) -> None:
    if item.bundle is not None:
        bundles.materialise(store, item.bundle, target)
    elif item.blob is not None:
        with target.open("wb") as file:
            for piece in iter_blob(store, item.blob):
                file.write(piece)
    else:
        target.write_text(item.text or "", encoding="utf-8")


def collect(store: ObjectStore, place: Place) -> BundleRef | None:
    """Store the output folder as a bundle; None when it is empty. Links are left out: they may lead anywhere."""
    files = list(_regular_files(place.output))
    if not files:
        return None
    ref = bundles.write_bundle(store, ((name, path, None) for name, path in files))
    return BundleRef(ref.index, ref.files, ref.bytes)


def _regular_files(folder: Path) -> Iterator[tuple[str, Path]]:
    if folder.is_symlink():
        return
    for root, subfolders, names in os.walk(folder):
        subfolders.sort()
        for name in sorted(names):
            path = Path(root, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path.relative_to(folder).as_posix(), path


def open_regular(path: Path) -> BinaryIO | None:
    """Open a file that an untrusted process may have put there; None unless it is a regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return os.fdopen(descriptor, "rb")

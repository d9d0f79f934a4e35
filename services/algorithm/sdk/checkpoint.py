"""Checkpoints: folders `step-<number>` that appear whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "step-"
_TEMPORARY = ".writing-"


class Checkpoint:
    """Keeps the newest checkpoint of a run in `folder`; without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for leftover in folder.glob(f"{_TEMPORARY}*"):
                shutil.rmtree(leftover, ignore_errors=True)

    @property
    def enabled(self) -> bool:
        """Whether the run has a place for checkpoints."""
        return self._folder is not None

    def latest(self) -> Path | None:
        """Return the folder of the newest complete checkpoint, or None when there is none to resume from."""
        found = self._all()
        return found[-1] if found else None

    @contextmanager
    def writing(self, step: int) -> Iterator[Path]:
        """Give an empty folder to write into; it becomes the checkpoint of `step` when the block ends without error.

        Earlier checkpoints are removed after the new one stands.
        """
        if self._folder is None:
            raise RuntimeError("this run has no checkpoint folder: test `checkpoint.enabled` first")
        target = self._folder / f"{_PREFIX}{step:012d}"
        temporary = self._folder / f"{_TEMPORARY}{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            yield temporary
            _sync(temporary)
            if target.exists():
                shutil.rmtree(target)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        for old in self._all():
            if old != target:
                shutil.rmtree(old, ignore_errors=True)

    def clear(self) -> None:
        """Remove all checkpoints, once the run's results are written."""
        for old in self._all():
            shutil.rmtree(old, ignore_errors=True)

    def _all(self) -> list[Path]:
        if self._folder is None:
            return []
        return sorted(path for path in self._folder.glob(f"{_PREFIX}*") if path.is_dir())


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

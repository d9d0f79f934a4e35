"""Scratch space of a process: what a killed process left is removed by the next one that starts."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = "in-use.lock"


class WorkFolder:
    """A folder of this process alone under `parent`. Folders there whose process is gone are removed first."""

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(parent):
            for left in parent.iterdir():
                _remove_if_abandoned(left)
            self.path = Path(tempfile.mkdtemp(prefix="work-", dir=parent))
            self._lock = _locked(self.path / _LOCK)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A new empty folder, removed at the end of the block."""
        with tempfile.TemporaryDirectory(dir=self.path, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def close(self) -> None:
        os.close(self._lock)
        shutil.rmtree(self.path, ignore_errors=True)


@contextmanager
def _alone(parent: Path) -> Iterator[None]:
    """One at a time: a folder that is just being made must not be taken for an abandoned one."""
    with parent.with_name(f"{parent.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_if_abandoned(folder: Path) -> None:
    if not folder.name.startswith("work-") or not (folder / _LOCK).exists():
        return  # not ours, or its process is just making it
    try:
        descriptor = _locked(folder / _LOCK)
    except OSError:
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.close(descriptor)

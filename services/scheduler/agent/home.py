"""The agent's folder: who this node is, and a folder for each workload and lease."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from services.kernel.ids import new_id
from services.scheduler.engines.process.engine import Place

_LOCK_WAIT_S = 20.0


class AgentHome:
    """Exactly one agent at a time has the folder; the lock ends with its process."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._work = self._root / "work"
        self._checkpoints = self._root / "checkpoints"
        for folder in (self._work, self._checkpoints):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _wait_for_lock(self._root / "agent.lock")
        self.node_id = self._node_id()

    def place(self, workload_id: str, fence: int) -> Place:
        return Place(self._work / workload_id / str(fence), self._checkpoints / workload_id)

    def places(self) -> Iterator[tuple[str, int]]:
        """Workload and fence of each folder that is there."""
        for workload in _names(self._work):
            for name in _names(self._work / workload):
                if name.isdecimal():
                    yield workload, int(name)

    def kept_checkpoints(self) -> list[str]:
        """Workloads of which there is a checkpoint, but no work folder."""
        return [name for name in _names(self._checkpoints) if not (self._work / name).exists()]

    def forget_checkpoint(self, workload_id: str) -> None:
        shutil.rmtree(self._checkpoints / workload_id, ignore_errors=True)

    def tidy(self, workload_id: str) -> None:
        """Remove the workload's empty folder."""
        try:
            (self._work / workload_id).rmdir()
        except OSError:
            return  # it is gone, or another lease has a folder in it

    def close(self) -> None:
        os.close(self._lock)

    def _node_id(self) -> str:
        path = self._root / "node-id"
        if not path.exists():
            temporary = path.with_suffix(".new")
            temporary.write_text(new_id("node"))
            temporary.replace(path)
        return path.read_text().strip()


def _names(folder: Path) -> list[str]:
    """What is in a folder; nothing when it is gone, as runners take theirs away while others look."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _wait_for_lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise RuntimeError(f"another agent uses {path.parent}") from None
            time.sleep(0.2)
        else:
            return descriptor

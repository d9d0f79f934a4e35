"""Control groups, version 1 or 2, below groups that were given to the agent."""

import contextlib
import os
from pathlib import Path

_PERIOD_US = 100_000


class ControlGroups:
    """A child group named `name` in each of `parents`; a group takes those limits that its controllers know."""

    def __init__(self, parents: list[str], name: str, *, memory_bytes: int, cpu_millis: int) -> None:
        self.folders: list[Path] = []
        for parent in parents:
            folder = Path(parent, name)
            try:
                folder.mkdir(exist_ok=True)
                _limit(folder, memory_bytes, cpu_millis)
            except OSError:
                continue  # the shim's own watch still holds the limits
            self.folders.append(folder)

    def enter(self) -> None:
        """Put the calling process, and so its children, into the groups."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                (folder / "cgroup.procs").write_text(str(os.getpid()))

    def killed_for_memory(self) -> bool:
        """Whether the kernel ended a process of the groups because of the memory limit."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError):
                    counts = dict(line.split()[:2] for line in (folder / name).read_text().splitlines())
                    if int(counts.get("oom_kill", "0")) > 0:
                        return True
        return False

    def remove(self) -> None:
        for folder in self.folders:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _limit(folder: Path, memory_bytes: int, cpu_millis: int) -> None:
    quota_us = cpu_millis * _PERIOD_US // 1000
    limits = [
        ("memory.max", str(memory_bytes), memory_bytes),
        ("memory.limit_in_bytes", str(memory_bytes), memory_bytes),
        ("cpu.max", f"{quota_us} {_PERIOD_US}", cpu_millis),
        ("cpu.cfs_quota_us", str(quota_us), cpu_millis),
    ]
    for name, value, wanted in limits:
        if wanted and (folder / name).exists():
            (folder / name).write_text(value)

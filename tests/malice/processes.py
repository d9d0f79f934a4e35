"""The platform's processes, seen from outside."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from tests.e2e.conftest import Platform

MIB = 1 << 20


def pids_of(platform: Platform) -> dict[str, int]:
    """The pid of every program that the supervisor runs."""
    rows = [line.split() for line in platform.status().splitlines()[1:]]
    running = {row[0]: int(row[2]) for row in rows if len(row) > 2 and row[1] == "RUNNING"}
    assert running, "nothing runs"
    assert len(running) == len([row for row in rows if row]), f"something does not run: {rows}"
    return running


def family_of(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for member in found:
        for task in Path(f"/proc/{member}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return found


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and its descendants."""
    total = 0
    for member in family_of(pid):
        try:
            total += int(Path(f"/proc/{member}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            continue
    return total


@dataclass
class Growth:
    """Resident memory of a process while something happened, in bytes."""

    before: int
    peak: int = 0
    samples: list[int] = field(default_factory=list)

    @property
    def grown(self) -> int:
        return max(self.peak - self.before, 0)


@contextmanager
def memory_of(pid: int) -> Iterator[Growth]:
    """Watches a process, twenty times a second, until the end of the block."""
    growth, ended = Growth(resident_bytes(pid)), Event()

    def watch() -> None:
        while not ended.wait(0.05):
            growth.samples.append(resident_bytes(pid))

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield growth
    finally:
        ended.set()
        watcher.join()
        growth.peak = max([*growth.samples, resident_bytes(pid)])

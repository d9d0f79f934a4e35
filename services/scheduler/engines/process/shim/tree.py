"""Processes and their descendants as /proc shows them."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_CHILDREN_FILE = (_PROC / "self/task" / str(os.getpid()) / "children").exists()


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat from the third on; empty when there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()


def start_time(pid: int) -> int:
    """Start of a living process in clock ticks since boot; 0 when it is gone or a zombie."""
    stat = _stat(pid)
    return 0 if not stat or stat[0] in "ZX" else int(stat[19])


def children(pid: int) -> list[int]:
    """Direct children, oldest first."""
    if not _CHILDREN_FILE:
        return [child for child, parent in _parents().items() if parent == pid]
    found: list[int] = []
    try:
        for task in os.scandir(f"/proc/{pid}/task"):
            found += map(int, Path(task.path, "children").read_text().split())
    except OSError:
        pass  # it ended while we read
    return sorted(found)


def descendants(pid: int) -> list[int]:
    """Children, their children and so on; quick, but a process that forks meanwhile may be missed."""
    found: list[int] = []
    waiting = children(pid)
    while waiting:
        child = waiting.pop()
        found.append(child)
        waiting.extend(children(child))
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in os.scandir(_PROC) if entry.name.isdecimal()]


def _parents() -> dict[int, int]:
    return {pid: int(stat[1]) for pid in sorted(_pids()) if (stat := _stat(pid))}


def all_descendants(pid: int) -> list[int]:
    """As `descendants`, from a scan of all processes; without zombies."""
    parents = _parents()
    family, grown = {pid}, True
    while grown:
        members = {child for child, parent in parents.items() if parent in family}
        grown = not members <= family
        family |= members
    family.discard(pid)
    return [child for child in family if start_time(child)]


def resident_bytes(pids: Iterable[int]) -> int:
    """Sum of the resident sets; memory shared between the processes counts several times."""
    total = 0
    for pid in pids:
        try:
            total += int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE
        except (OSError, IndexError):
            continue
    return total


def proportional_bytes(pids: Iterable[int]) -> int:
    """Sum of the proportional set sizes: shared memory counts once. Slower than `resident_bytes`."""
    total = 0
    for pid in pids:
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            total += resident_bytes([pid])
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def marked(marker: str) -> list[int]:
    """Living processes that carry `marker` (`NAME=value`) in the environment that they were started with."""
    wanted, found = marker.encode(), []
    for pid in _pids():
        if pid != os.getpid():
            try:
                environment = (_PROC / str(pid) / "environ").read_bytes()
            except OSError:
                continue
            if wanted in environment.split(b"\0") and start_time(pid):
                found.append(pid)
    return found


def send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def kill_marked(marker: str, limit_s: float = 5) -> None:
    """End all processes that carry `marker`; stopped first, so that they cannot fork away."""
    deadline = time.monotonic() + limit_s
    while (pids := marked(marker)) and time.monotonic() < deadline:
        send(pids, signal.SIGSTOP)
        send(pids, signal.SIGKILL)
        time.sleep(0.01)

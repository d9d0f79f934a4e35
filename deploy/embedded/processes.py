"""Recognising and ending the processes that an instance started, and only those.

A record holds process id, start time (clock ticks since boot, /proc/<pid>/stat field 22) and boot id, which together
name one process for ever. Every process also carries the instance's folder in its environment, as its children do.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

MARKER = "MODELYARD_EMBEDDED_PROGRAM"
_PROC = Path("/proc")


@dataclass(frozen=True)
class Record:
    """What identifies a started program. `specification` is the SHA-256 of what it was launched with."""

    program: str
    pid: int
    started: int
    boot: str
    specification: str = ""


def boot_id() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the third on (state, parent, group, …), or None when there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


def start_time(pid: int) -> int | None:
    """Start of a living process in clock ticks since boot; None when it is gone or a zombie."""
    stat = _stat(pid)
    return None if stat is None or stat[0] in "ZX" else int(stat[19])


def _group(pid: int) -> int | None:
    stat = _stat(pid)
    return None if stat is None or stat[0] in "ZX" else int(stat[2])


def _carries(pid: int, marker: str) -> bool:
    try:
        environment = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    return f"{MARKER}={marker}".encode() in environment.split(b"\0")


def process_ids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()]


def command_line(pid: int) -> list[str]:
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return []


def marker(home: Path, program: str) -> str:
    return f"{program}@{home}"


def write_record(path: Path, program: str, specification: str) -> None:
    """Record the calling process, which is about to become `program`."""
    started = start_time(os.getpid())
    if started is None:
        raise RuntimeError("/proc shows no entry for this process")
    record = Record(program, os.getpid(), started, boot_id(), specification)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(asdict(record)))
    temporary.replace(path)


def read_record(path: Path) -> Record | None:
    try:
        return Record(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def survivors(record: Record, home: Path) -> list[int]:
    """Living processes of the recorded program: its process group, checked against start time and marker."""
    if record.boot != boot_id():
        return []
    leader = start_time(record.pid)
    if leader is not None and leader != record.started:
        return []
    expected = marker(home, record.program)
    return [pid for pid in process_ids() if _group(pid) == record.pid and _carries(pid, expected)]


def is_led(record: Record, home: Path) -> bool:
    """Whether the recorded process itself lives."""
    return record.pid in survivors(record, home)


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Those that are gone already are passed over."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def wait_until(condition: Callable[[], bool], timeout: float, interval: float = 0.05) -> bool:
    """Poll until the condition holds; False when `timeout` seconds passed first."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True


def reap(paths: Iterable[Path], home: Path, *, grace: float) -> list[str]:
    """End what is left of earlier starts: SIGTERM to all, SIGKILL to what lives on after `grace` seconds.

    `paths` are record files. Returns the names of the programs that were still running.
    """
    records = [record for path in paths if (record := read_record(path))]

    def living() -> dict[str, list[int]]:
        return {record.program: pids for record in records if (pids := survivors(record, home))}

    first = living()
    signal_all((pid for pids in first.values() for pid in pids), signal.SIGTERM)
    if first and not wait_until(lambda: not living(), grace):
        signal_all((pid for pids in living().values() for pid in pids), signal.SIGKILL)
        wait_until(lambda: not living(), 10)
    return sorted(first)

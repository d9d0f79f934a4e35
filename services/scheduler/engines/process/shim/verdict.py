"""Puts into words how a process ended."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from services.scheduler.engines.process.shim.files import Launch
from services.scheduler.engines.process.shim.logcopy import last_lines

_CAUSES = {
    "out_of_memory": "It needed more memory than the {memory} that it had asked for.",
    "time_limit": "It ran longer than its time limit of {time:g} seconds.",
    "output_too_large": "It wrote more than the {output} that its output may hold.",
    "cancelled": "It was cancelled.",
    "too_many_processes": "It had more than the {processes} processes that a workload may have.",
    "interrupted": "Its node stopped; it goes on from its last checkpoint.",
}
_REASONS = {"too_many_processes": "error"}
"""Causes that the contract has no reason of its own for."""


@dataclass(frozen=True)
class Status:
    """Exit code, or the signal that ended the process."""

    code: int
    signal: int


def status_of(wait_status: int, *, sandboxed: bool) -> Status:
    """Read a status of waitpid. The sandbox turns a signal n into the exit code 128 + n, as shells do."""
    result = os.waitstatus_to_exitcode(wait_status)
    number, code = max(-result, 0), max(result, 0)
    if sandboxed and 128 < code <= 128 + int(max(signal.valid_signals())):
        return Status(code, code - 128)
    return Status(code, number)


def verdict(cause: str, status: Status, launch: Launch, log: Path) -> tuple[str, str]:
    """The reason and a sentence, from what the shim did (`cause`, empty when nothing) and how the process ended."""
    if cause:
        return _REASONS.get(cause, cause), _CAUSES[cause].format(
            memory=size(launch.memory_limit_bytes),
            time=launch.time_limit_s,
            output=size(launch.output_limit_bytes),
            processes=launch.process_limit,
        )
    if status.signal:
        how = f"It was ended by the signal {_signal_name(status.signal)}"
    elif status.code:
        how = f"It ended with exit code {status.code}"
    else:
        return "completed", "It ended with exit code 0."
    lines = last_lines(log)
    told = "the last lines of its log are:\n" + "\n".join(lines) if lines else "its log is empty."
    return "error", f"{how}; exit code 0 was expected; {told}"


def _signal_name(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)


def size(count: int) -> str:
    """Bytes for people, in binary units."""
    value, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:g} {unit}" if value == int(value) else f"{value:.1f} {unit}"

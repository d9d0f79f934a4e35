"""Stands between a new supervisord and a program whose own supervisord was killed.

The program goes on as if nothing had happened: its services keep answering while everything else comes back. What it
prints is passed on, and so is the order to stop; when it ends, so does its attendant, and supervisord starts it anew.
"""

import os
import select
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from deploy.embedded.processes import Record, signal_all, survivors

_LOOK_S = 1.0
_CHUNK = 1 << 16
_KILL_BEFORE_S = 2.0
"""So long before supervisord would kill the attendant, the attendant kills what it attends."""


def attend(record: Record, home: Path, *, whole_group: bool, patience_s: float) -> int:
    """Wait for the end of the recorded program; the exit status to give.

    SIGTERM goes on to the program, with `whole_group` to all its processes; what is still there when `patience_s` is
    nearly over is killed. Ends also when supervisord is gone: the next one has attendants of its own.
    """
    told: list[float] = []

    def stop(_number: int, _frame: object) -> None:
        told.append(time.monotonic())
        signal_all(survivors(record, home) if whole_group else [record.pid], signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    supervisor = os.getppid()
    print(f"attending {record.program} (process {record.pid}), which runs already", flush=True)
    threading.Thread(target=_pass_on_output, args=(record.pid,), daemon=True).start()
    with suppress(ProcessLookupError):
        waiting = select.poll()
        waiting.register(os.pidfd_open(record.pid), select.POLLIN)
        while not waiting.poll(1000 * _LOOK_S) and os.getppid() == supervisor:
            if told and time.monotonic() - told[0] > patience_s - _KILL_BEFORE_S:
                signal_all(survivors(record, home), signal.SIGKILL)
    return 0 if told else 1


def _pass_on_output(pid: int) -> None:
    """Read the pipe into which the program prints, whose reader died with supervisord."""
    with suppress(OSError):
        pipe = os.open(f"/proc/{pid}/fd/1", os.O_RDONLY)
        while data := os.read(pipe, _CHUNK):
            os.write(1, data)

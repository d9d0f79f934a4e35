"""The processes of Triton's Python backend on this machine, found by the model files that they run."""

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from services.serving.naming import service_of

_PROC = Path("/proc")
_STUB = b"triton_python_backend_stub"


class LocalProcesses:
    """Those that serve entries of one model repository; none where Triton runs elsewhere."""

    def __init__(self, repository: Path) -> None:
        self._prefix = os.fsencode(repository.absolute()) + b"/"

    def serving(self) -> Mapping[int, str]:
        return {pid: service_id for pid in _pids() if (service_id := self._service_of(pid))}

    def end(self, pid: int) -> None:
        if self._service_of(pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _service_of(self, pid: int) -> str:
        try:
            program, *arguments = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
        except OSError:
            return ""
        if not program.endswith(_STUB):
            return ""
        entries = (
            word.removeprefix(self._prefix).split(b"/")[0] for word in arguments if word.startswith(self._prefix)
        )
        return next((found for entry in entries if (found := service_of(entry.decode(errors="replace")))), "")


def _pids() -> list[int]:
    return [int(entry.name) for entry in os.scandir(_PROC) if entry.name.isdecimal()]

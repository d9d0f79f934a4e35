"""Launches shims through a fork server beside the agent."""

import json
import os
import select
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import IO

from services.kernel.errors import Unavailable
from services.scheduler.engines.process.shim import files
from services.scheduler.engines.process.shim.supervise import ALREADY_RUNNING

_SERVER = Path(__file__).parent / "shim" / "run.py"
_ANSWER_S = 30
_TRIES = 2


class Launcher:
    """Starts the fork server when it is needed, and again when it has ended; it ends with this object's process.

    Thread-safe. The shims are nobody's children and outlive both.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None

    def launch(self, folder: Path) -> None:
        """Start the shim of `folder` unless one lives. Raises Unavailable when the machine cannot."""
        with self._lock:
            code = self._ask(folder)
        if code not in (0, ALREADY_RUNNING):
            raise Unavailable(f"The process could not be launched: {_said(folder) or f'exit code {code}'}")

    def _ask(self, folder: Path) -> int:
        """The exit code of the launch. Asking twice is safe: a folder has one shim at most."""
        for _ in range(_TRIES):
            try:
                server = self._running()
                _stream(server.stdin).write(f"{json.dumps(str(folder))}\n".encode())
                return int(_answer(server))
            except (OSError, ValueError) as error:  # it was killed, or says nothing
                failure = error
                self._give_up()
        raise Unavailable(f"The process could not be launched: {failure}") from failure

    def _running(self) -> subprocess.Popen[bytes]:
        if self._server is None:
            self._server = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SERVER)],
                env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
            self._end = weakref.finalize(self, _end, self._server)
        return self._server

    def _give_up(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._end()
            self._server = None


def _answer(server: subprocess.Popen[bytes]) -> bytes:
    """One line. Raises OSError when none comes in time, ValueError further up when the server has ended."""
    stream = _stream(server.stdout)
    if not select.select([stream], [], [], _ANSWER_S)[0]:
        raise TimeoutError(f"no answer within {_ANSWER_S} seconds")
    return stream.readline()


def _stream(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # both are pipes
    return pipe


def _end(server: subprocess.Popen[bytes]) -> None:
    """Close the server's input, at which it ends, and collect it."""
    for pipe in (server.stdin, server.stdout):
        _stream(pipe).close()
    server.wait()


def _said(folder: Path) -> str:
    """The last line that the shim left on its standard error."""
    try:
        return (folder / files.ERRORS).read_text(errors="replace").strip().rpartition("\n")[2]
    except OSError:
        return ""

"""What the handlers under test do; the same for plain nameko and for the kernel's subclasses."""

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Behaviour:
    """`what` is one of ok, fail, wait, compute, cut; what happens is noted line by line in `folder`/record."""

    what: str
    folder: Path
    port: int

    def handle(self, event_id: str) -> None:
        self._note("begin", event_id)
        match self.what:
            case "fail":
                raise RuntimeError("as the test wants it")
            case "wait":
                self._wait_for("release")
            case "compute":
                end = time.monotonic() + 8
                while time.monotonic() < end:
                    pass
            case "cut" if not (self.folder / "cut").exists():
                (self.folder / "cut").touch()
                self._cut_connections()
        self._note("end", event_id)

    def _note(self, step: str, event_id: str) -> None:
        line = f"{step} {event_id} {time.monotonic()}\n"
        with (self.folder / "record").open("a") as record:
            record.write(line)

    def _wait_for(self, name: str) -> None:
        deadline = time.monotonic() + 60
        while not (self.folder / name).exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _cut_connections(self) -> None:
        """Break every connection to the broker, as a failing network would."""
        for entry in Path("/proc/self/fd").iterdir():
            try:
                copy = socket.socket(fileno=os.dup(int(entry.name)))
            except OSError:
                continue
            with copy:
                try:
                    if copy.getpeername()[1] == self.port:
                        copy.shutdown(socket.SHUT_RDWR)
                except (OSError, IndexError, TypeError):
                    continue

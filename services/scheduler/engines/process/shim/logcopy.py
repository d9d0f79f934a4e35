"""Copies what the process prints into the log, up to its limit."""

import os
from pathlib import Path

_CHUNK = 1 << 16


class LogCopy:
    """Reads the pipe `source` and appends to the file `path`; bytes past `limit` are counted and dropped."""

    def __init__(self, source: int, path: Path, limit: int) -> None:
        os.set_blocking(source, False)
        self._source = source
        self._target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._limit = limit
        self.written = os.fstat(self._target).st_size
        self.dropped = 0
        self.at_end = False

    def copy(self) -> None:
        """Take what is there, at most a mebibyte, so that the caller's other duties get their turn."""
        for _ in range(16):
            try:
                data = os.read(self._source, _CHUNK)
            except BlockingIOError:
                return
            if not data:
                self.at_end = True
                return
            room = max(self._limit - self.written, 0)
            kept = data[:room]
            if kept:
                self._write(kept)
            self.dropped += len(data) - len(kept)

    def finish(self) -> None:
        """Write the last line if anything was dropped, and make the log durable."""
        if self.dropped:
            self._write(f"\nlog limit of {self._limit} bytes reached, {self.dropped} bytes dropped\n".encode())
        os.fsync(self._target)
        os.close(self._target)
        os.close(self._source)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            sent = os.write(self._target, view)
            self.written += sent
            view = view[sent:]


def last_lines(path: Path, count: int = 5, width: int = 300) -> list[str]:
    """The last lines of a log that are not blank, each cut to `width` characters."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 8192, 0))
        text = file.read().decode(errors="replace")
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return [line[:width] for line in lines[-count:]]

"""Metric points and step events as JSON lines.

A point is `{"step": 12, "name": "loss", "value": 0.31, "time": 1764000000.5}`; `time` is in Unix seconds (UTC). The
beginning and end of a phase are `{"event": "step", "name": "training", "state": "started", "time": …}`. A value that
is not finite becomes `{"event": "invalid", …, "value": "nan"}`, because JSON has no NaN. Readers skip events that
they do not know.
"""

import json
import math
import os
import time
from pathlib import Path

from .jsontypes import JsonObject


class Metrics:
    """Appends to the metrics file; each line is one write, so that a reader that follows the file sees whole lines."""

    def __init__(self, path: Path | None) -> None:
        self._descriptor: int | None = None
        self._last: dict[str, float] = {}
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def log(self, step: int, **values: float) -> None:
        """Write one point for each name in `values` at `step` (for example the iteration number)."""
        for name, value in values.items():
            number = float(value)
            if math.isfinite(number):
                self._write({"step": int(step), "name": name, "value": number, "time": time.time()})
            else:
                self._write(
                    {"event": "invalid", "step": int(step), "name": name, "value": str(number), "time": time.time()}
                )

    def log_limited(self, step: int, every: float = 0.25, **values: float) -> None:
        """As `log`, but at most one point for each name in `every` seconds; the others are dropped."""
        now = time.monotonic()
        due = {name: value for name, value in values.items() if now - self._last.get(name, -math.inf) >= every}
        self._last.update(dict.fromkeys(due, now))
        self.log(step, **due)

    def event(self, kind: str, name: str, state: str) -> None:
        """Write an event line; `kind` "step" with `state` "started" or "finished" shows a phase in the console."""
        self._write({"event": kind, "name": name, "state": state, "time": time.time()})

    def _write(self, line: JsonObject) -> None:
        if self._descriptor is not None:
            os.write(self._descriptor, (json.dumps(line, ensure_ascii=False) + "\n").encode())

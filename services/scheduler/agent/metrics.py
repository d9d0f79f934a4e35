"""Reads the JSON lines that a run writes: points, progress and steps. What it cannot read it counts."""

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.scheduler.domain import MetricPoint, WorkloadStep

PROGRESS = "progress"

_MAX_LINE = 64 << 10
_MAX_POINTS = 200_000
_MAX_STEPS = 200
_MAX_NAME = 100


@dataclass
class MetricLines:
    """State after the lines read so far. `points` are those not taken yet, numbered from 1 over the whole file."""

    points: list[MetricPoint] = field(default_factory=list)
    progress: float = 0.0
    malformed: int = 0
    count: int = 0
    _steps: dict[str, WorkloadStep] = field(default_factory=dict)
    _rest: bytes = b""
    _skipping: bool = False

    @property
    def steps(self) -> tuple[WorkloadStep, ...]:
        return tuple(self._steps.values())

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the file; the last line is kept until it ends."""
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._skipping:
                self._skipping = False  # the end of a line that was too long
            elif line.strip():
                self._line(line)
        self._rest = rest
        if len(rest) > _MAX_LINE:
            self.malformed += not self._skipping
            self._rest, self._skipping = b"", True

    def take(self, limit: int) -> list[MetricPoint]:
        """The next points to send, at most `limit`; call `sent` when they have arrived."""
        return self.points[:limit]

    def sent(self, count: int) -> None:
        del self.points[:count]

    def _line(self, line: bytes) -> None:
        try:
            self._record(json.loads(line))
        except (ValueError, OverflowError, RecursionError, OSError):
            self.malformed += 1

    def _record(self, content: object) -> None:
        match content:
            case {"event": "step", "name": str(name), "state": "started" | "finished" as state, **rest}:
                self._step(name[:_MAX_NAME], str(state), _time(rest.get("time")))
            case {"event": _}:
                return
            case {"name": str(name), "value": int() | float() as value, **rest} if 0 < len(name) <= _MAX_NAME:
                self._point(name, float(value), rest.get("step", 0), _time(rest.get("time")))
            case _:
                self.malformed += 1

    def _point(self, name: str, value: float, step: object, time: datetime) -> None:
        if not math.isfinite(value) or not isinstance(step, int | float) or not abs(step) < 2**62:
            raise ValueError("not a point")
        name.encode()  # ValueError for half of a surrogate pair, which no message can carry
        if name == PROGRESS:
            self.progress = min(max(value, 0.0), 1.0)
        elif self.count < _MAX_POINTS:
            self.count += 1
            self.points.append(MetricPoint(name, int(step), value, time, self.count))

    def _step(self, name: str, state: str, time: datetime) -> None:
        name.encode()  # as in _point
        known = self._steps.get(name)
        if state == "started" and len(self._steps) < _MAX_STEPS:
            self._steps[name] = WorkloadStep(name, "running", time)
        elif state == "finished" and known is not None:
            self._steps[name] = WorkloadStep(name, "finished", known.started_at, time)


def _time(value: object) -> datetime:
    """Unix seconds to UTC; now when there is none. ValueError and OverflowError for what is no time."""
    if value is None:
        return datetime.now(UTC)
    if not isinstance(value, int | float):
        raise ValueError("not a time")
    return datetime.fromtimestamp(value, UTC)

"""Brings log, points, progress and steps of one workload to the scheduler while they grow."""

import time
from dataclasses import replace
from pathlib import Path

from services.scheduler.agent.files import open_regular
from services.scheduler.agent.metrics import MetricLines
from services.scheduler.agent.telemetry import LOG_BYTES, POINTS
from services.scheduler.domain import Report
from services.scheduler.engines.process.engine import Place
from services.scheduler.ports import SchedulerPort

CHUNK_BYTES = 1 << 20
_POINTS = 5000
_REPORT_EVERY_S = 0.5


class Shipper:
    """Keeps nothing on disk: after a restart the scheduler says how far the log has come and skips known points."""

    def __init__(self, scheduler: SchedulerPort, place: Place, identity: Report) -> None:
        self._scheduler = scheduler
        self._place = place
        self._identity = identity
        self._log_offset: int | None = None
        self._metrics_offset = 0
        self._lines = MetricLines()
        self._reported = identity
        self._next_report = 0.0

    @property
    def malformed(self) -> int:
        """Lines of the metrics file that could not be read."""
        return self._lines.malformed

    @property
    def state(self) -> Report:
        """What is to be said about the workload now."""
        return replace(self._identity, progress=self._lines.progress, steps=self._lines.steps)

    def ship(self) -> bool:
        """Send the next portion of what is new; whether there is more at once."""
        more_log = self._ship_log()
        more_points = self._ship_points()
        self._ship_state()
        return more_log or more_points

    def ship_all(self) -> None:
        while self.ship():
            pass

    def _ship_log(self) -> bool:
        if self._log_offset is None:
            self._log_offset = self._scheduler.append_log(self._identity, 0, b"")
        data = _read(self._place.log, self._log_offset)
        if data:
            self._log_offset = self._scheduler.append_log(self._identity, self._log_offset, data)
            LOG_BYTES.inc(len(data))
        return len(data) == CHUNK_BYTES

    def _ship_points(self) -> bool:
        data = b""
        if not self._lines.points:
            data = _read(self._place.metrics, self._metrics_offset)
            self._metrics_offset += len(data)
            self._lines.feed(data)
        points = self._lines.take(_POINTS)
        if points:
            self._scheduler.append_points(self._identity, points)
            self._lines.sent(len(points))
            POINTS.inc(len(points))
        return bool(self._lines.points) or len(data) == CHUNK_BYTES

    def _ship_state(self) -> None:
        state, now = self.state, time.monotonic()
        if state == self._reported or (now < self._next_report and state.steps == self._reported.steps):
            return
        self._scheduler.report(state)
        self._reported, self._next_report = state, now + _REPORT_EVERY_S


def _read(path: Path, offset: int) -> bytes:
    file = open_regular(path)
    if file is None:
        return b""
    with file:
        file.seek(offset)
        return file.read(CHUNK_BYTES)

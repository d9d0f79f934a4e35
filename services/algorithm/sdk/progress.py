"""Progress of a run: one bar from 0 to 1 over phases of known weight, and each phase's start and end."""

import time

from .metrics import Metrics

_INTERVAL_SECONDS = 0.5


class Progress:
    """Turns (done, total, phase) into the metric `progress` and step events.

    Phases that were planned with weights share the bar; without a plan each phase fills the whole bar.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._weights: dict[str, float] = {}
        self._phase: str | None = None
        self._written = -1.0
        self._next_write = 0.0
        self._points = 0

    def plan(self, **weights: float) -> None:
        """Name the phases in their order with the share of the time that each is expected to take."""
        self._weights = dict(weights)

    def update(self, done: float, total: float, phase: str) -> None:
        """Report `done` of `total` units of `phase`; a new phase ends the one before."""
        if phase != self._phase:
            self.finish_phase()
            self._phase = phase
            self._metrics.event("step", phase, "started")
        share = min(max(done / total, 0.0), 1.0) if total > 0 else 1.0
        self._write(self._overall(share, phase), final=share >= 1.0)

    def finish_phase(self) -> None:
        """End the phase that runs, if any."""
        if self._phase is not None:
            self._metrics.event("step", self._phase, "finished")
            self._phase = None

    def complete(self) -> None:
        """End the last phase and fill the bar."""
        self.finish_phase()
        self._write(1.0, final=True)

    def _overall(self, share: float, phase: str) -> float:
        if phase not in self._weights:
            return share
        before = 0.0
        for name, weight in self._weights.items():
            if name == phase:
                return (before + share * weight) / sum(self._weights.values())
            before += weight
        return share

    def _write(self, value: float, *, final: bool) -> None:
        now = time.monotonic()
        if (now >= self._next_write or final) and value != self._written:
            self._metrics.log(self._points, progress=value)
            self._points += 1
            self._written, self._next_write = value, now + _INTERVAL_SECONDS

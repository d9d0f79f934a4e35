"""Requests counted by time and by how long they took, so that a report may be lost or come twice.

A process counts in cells: one subject, one span of time. It reports a cell by its whole content, again after each
change; whoever keeps it overwrites what the same source said before, and adds up the sources.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from services.kernel.errors import DeadlineExceeded, DomainError, Internal, Unavailable
from services.kernel.ids import new_id
from services.kernel.logging import get_logger

MINUTE_S, HOUR_S = 60, 3600
REPORT_EVERY_S = 2.0
REPORTED_AT_ONCE = 1000
_MOST_CELLS = 20_000
_AT_FAULT = (Unavailable, DeadlineExceeded, Internal)
_log = get_logger(__name__)

GROWTH, STEPS = 1.2, 64
BOUNDS_S: tuple[float, ...] = tuple(0.001 * GROWTH**step for step in range(STEPS))
"""Upper bounds of the steps of durations: 1 ms, and each a fifth more than the one before, to 97 s. What takes longer
is in the last step."""


class Outcome(StrEnum):
    """Refused requests were at fault themselves; failed ones were not."""

    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"

    @classmethod
    def of(cls, error: BaseException) -> "Outcome":
        refused = isinstance(error, DomainError) and not isinstance(error, _AT_FAULT)
        return cls.REFUSED if refused else cls.FAILED


def step_of(seconds: float) -> int:
    """The step that a duration falls into."""
    if seconds <= BOUNDS_S[0]:
        return 0
    return min(STEPS - 1, math.ceil(math.log(seconds / BOUNDS_S[0], GROWTH) - 1e-9))


@dataclass(frozen=True)
class Span:
    """`width_s` seconds from `start` (Unix time) on."""

    start: int
    width_s: int

    @classmethod
    def around(cls, moment: float, width_s: int) -> "Span":
        return cls(int(moment // width_s) * width_s, width_s)


@dataclass
class Cell:
    """What happened to one subject in one span; `steps` counts the durations of those that were answered."""

    subject: str
    span: Span
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    steps: Counter[int] = field(default_factory=Counter)


@dataclass
class Request:
    """One that is being counted; `outcome` where its answer or error does not say it."""

    outcome: Outcome | None = None


class Tally:
    """Counts by minute and by hour, for all threads of a process. Its counts begin with it: `source` names it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.source = new_id("tally")
        self._clock = clock
        self._lock = threading.Lock()
        self._cells: dict[tuple[str, Span], Cell] = {}
        self._changed: set[tuple[str, Span]] = set()

    def count(self, subject: str, outcome: Outcome, seconds: float) -> None:
        now, step = self._clock(), step_of(seconds)
        with self._lock:
            for span in (Span.around(now, MINUTE_S), Span.around(now, HOUR_S)):
                key = (subject, span)
                cell = self._cells.get(key) or self._cells.setdefault(key, Cell(subject, span))
                cell.outcomes[outcome] += 1
                if outcome is Outcome.ANSWERED:
                    cell.steps[step] += 1
                self._changed.add(key)

    @contextmanager
    def counting(self, subject: str) -> Iterator[Request]:
        """One request, until its answer or error. One that is cancelled does not count."""
        request, began = Request(), time.perf_counter()
        try:
            yield request
        except Exception as error:
            self.count(subject, request.outcome or Outcome.of(error), time.perf_counter() - began)
            raise
        self.count(subject, request.outcome or Outcome.ANSWERED, time.perf_counter() - began)

    def take(self) -> list[Cell]:
        """Copies of the cells that changed since the last time; whole ones whose time is over are forgotten."""
        now = self._clock()
        with self._lock:
            taken = [
                Cell(cell.subject, cell.span, Counter(cell.outcomes), Counter(cell.steps))
                for cell in (self._cells[key] for key in self._changed)
            ]
            self._changed.clear()
            for key in [key for key in self._cells if key[1].start + key[1].width_s < now]:
                del self._cells[key]
        return taken

    def give_back(self, cells: Sequence[Cell]) -> None:
        """They could not be reported: they are taken again next time, the oldest of very many excepted."""
        with self._lock:
            for cell in sorted(cells, key=lambda one: one.span.start, reverse=True):
                key = (cell.subject, cell.span)
                if key in self._cells or len(self._cells) < _MOST_CELLS:
                    self._cells.setdefault(key, cell)
                    self._changed.add(key)


class Reporter:
    """Sends what a tally counted, every REPORT_EVERY_S, from a thread of its own; what could not be sent is kept."""

    def __init__(self, tally: Tally, send: Callable[[str, Sequence[Cell]], None]) -> None:
        self._tally = tally
        self._send = send
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def start(self) -> "Reporter":
        self._thread.start()
        return self

    def stop(self) -> None:
        """Reports once more what there is."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopped.wait(REPORT_EVERY_S):
            self._report()
        self._report()

    def _report(self) -> None:
        cells = self._tally.take()
        for first in range(0, len(cells), REPORTED_AT_ONCE):
            part = cells[first : first + REPORTED_AT_ONCE]
            try:
                self._send(self._tally.source, part)
            except Exception as error:  # noqa: BLE001  # counting must not end because nobody takes the counts
                _log.info("traffic_reported_later", cells=len(part), error=str(error))
                self._tally.give_back(part)

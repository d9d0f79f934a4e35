"""Requests to a service over time, added up from what all doors of the platform counted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.kernel.traffic import BOUNDS_S, HOUR_S, MINUTE_S, Outcome

FINE_WINDOW_S = 24 * HOUR_S
"""Longer windows are counted by the hour: minutes are not kept for long."""


@dataclass
class Point:
    """Requests from `start` (Unix time) on; `steps` counts the durations of those that were answered."""

    start: int
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    steps: Counter[int] = field(default_factory=Counter)

    def add(self, other: "Point") -> None:
        self.outcomes.update(other.outcomes)
        self.steps.update(other.steps)

    def quantile_ms(self, share: float) -> float:
        """The time in ms within which this share of the requests was answered, 0 when none was.

        Inside a step, which is a fifth wide, they are taken to be spread evenly.
        """
        left = share * self.steps.total()
        for step, count in sorted(self.steps.items()):
            if left <= count:
                lower = BOUNDS_S[step - 1] if step else 0.0
                return 1000 * (lower + (BOUNDS_S[step] - lower) * left / count)
            left -= count
        return 0.0


@dataclass(frozen=True)
class Window:
    """`count` points, `step_s` apart, of which the last is the running one. Starts are multiples of the step."""

    first: int
    step_s: int
    count: int

    @classmethod
    def until(cls, now: float, *, length_s: int, most_points: int) -> "Window":
        """Of at least `length_s`, in steps of whole minutes, or of whole hours beyond FINE_WINDOW_S."""
        width_s = MINUTE_S if length_s <= FINE_WINDOW_S else HOUR_S
        step_s = -(-length_s // (most_points * width_s)) * width_s
        count = -(-length_s // step_s)
        last = int(now // step_s) * step_s
        return cls(last - (count - 1) * step_s, step_s, count)

    @property
    def cell_s(self) -> int:
        """The width of the cells that its points are added up from."""
        return MINUTE_S if self.step_s % HOUR_S else HOUR_S


@dataclass(frozen=True)
class Statistics:
    window: Window
    points: Sequence[Point]
    total: Point


def add_up(window: Window, parts: Iterable[Point]) -> Statistics:
    """The points of the window, those without requests too; parts outside of it do not count."""
    points = [Point(window.first + index * window.step_s) for index in range(window.count)]
    total = Point(window.first)
    for part in parts:
        index = (part.start - window.first) // window.step_s
        if 0 <= index < window.count:
            points[index].add(part)
            total.add(part)
    return Statistics(window, points, total)

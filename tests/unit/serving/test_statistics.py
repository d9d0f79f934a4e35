"""Requests over time, from what was counted."""

from collections import Counter

import pytest

from services.kernel.traffic import HOUR_S, MINUTE_S, Outcome, step_of
from services.serving.statistics import Point, Window, add_up

NOW = 100 * HOUR_S + 59 * MINUTE_S + 30.0
DAY_S = 24 * HOUR_S


def part(start: int, *seconds: float) -> Point:
    return Point(start, Counter({Outcome.ANSWERED: len(seconds)}), Counter(step_of(one) for one in seconds))


@pytest.mark.parametrize(
    ("length_s", "most_points", "step_s", "count", "cell_s"),
    [
        (HOUR_S, 60, MINUTE_S, 60, MINUTE_S),
        (HOUR_S, 50, 2 * MINUTE_S, 30, MINUTE_S),
        (1, 60, MINUTE_S, 1, MINUTE_S),
        (DAY_S, 96, 15 * MINUTE_S, 96, MINUTE_S),
        (DAY_S, 24, HOUR_S, 24, HOUR_S),
        (7 * DAY_S, 84, 2 * HOUR_S, 84, HOUR_S),
        (DAY_S + 1, 1000, HOUR_S, 25, HOUR_S),
    ],
)
def test_a_window_has_whole_steps(length_s: int, most_points: int, step_s: int, count: int, cell_s: int) -> None:
    window = Window.until(NOW, length_s=length_s, most_points=most_points)
    assert (window.step_s, window.count, window.cell_s) == (step_s, count, cell_s)
    assert window.first % step_s == 0
    last = window.first + (count - 1) * step_s
    assert last <= NOW < last + step_s
    assert count <= most_points


def test_sources_are_added_up_and_times_without_requests_are_there() -> None:
    window = Window.until(NOW, length_s=3 * MINUTE_S, most_points=3)
    start = window.first
    found = add_up(
        window,
        [part(start, 0.1), part(start + 2 * MINUTE_S, 0.1, 0.2), part(start, 0.3), part(start - MINUTE_S, 9)],
    )
    assert [point.outcomes[Outcome.ANSWERED] for point in found.points] == [2, 0, 2]
    assert [point.start for point in found.points] == [start, start + MINUTE_S, start + 2 * MINUTE_S]
    assert found.total.outcomes == {Outcome.ANSWERED: 4}


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 0.99, 1.0])
def test_a_quantile_is_right_to_a_fifth(share: float) -> None:
    seconds = [0.001 * (1 + at) for at in range(1000)]
    expected = 1000 * seconds[min(int(share * len(seconds)), len(seconds) - 1)]
    assert part(0, *seconds).quantile_ms(share) == pytest.approx(expected, rel=0.2)


def test_without_answers_there_is_no_quantile() -> None:
    assert Point(0, Counter({Outcome.FAILED: 3})).quantile_ms(0.5) == 0

"""Counting requests, and reporting what was counted."""

import threading
from collections import Counter
from collections.abc import Sequence

import pytest

from services.kernel import traffic
from services.kernel.errors import DeadlineExceeded, FailedPrecondition, Internal, InvalidArgument, Unavailable
from services.kernel.traffic import BOUNDS_S, HOUR_S, MINUTE_S, STEPS, Cell, Outcome, Reporter, Span, Tally, step_of


class Clock:
    def __init__(self) -> None:
        self.now = 10 * HOUR_S + 90.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("step", range(STEPS))
def test_a_step_ends_with_its_bound(step: int) -> None:
    assert step_of(BOUNDS_S[step]) == step
    assert step_of(BOUNDS_S[step] * 1.001) == min(step + 1, STEPS - 1)
    assert step_of(BOUNDS_S[step] * 0.999) == step


def test_nothing_is_too_short_or_too_long() -> None:
    assert (step_of(0), step_of(1e9)) == (0, STEPS - 1)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (InvalidArgument("x"), Outcome.REFUSED),
        (FailedPrecondition("x"), Outcome.REFUSED),
        (Unavailable("x"), Outcome.FAILED),
        (DeadlineExceeded("x"), Outcome.FAILED),
        (Internal("x"), Outcome.FAILED),
        (ValueError("x"), Outcome.FAILED),
    ],
)
def test_whose_fault_an_error_is(error: Exception, outcome: Outcome) -> None:
    tally = Tally()
    with pytest.raises(type(error)), tally.counting("svc"):
        raise error
    assert [cell.outcomes for cell in tally.take()] == [Counter([outcome])] * 2


def test_minutes_and_hours_are_told_whole_and_only_when_they_grew() -> None:
    clock = Clock()
    tally = Tally(clock)
    tally.count("svc", Outcome.ANSWERED, 0.002)
    tally.count("svc", Outcome.FAILED, 30)
    first = {cell.span: cell for cell in tally.take()}
    assert set(first) == {Span(10 * HOUR_S + 60, MINUTE_S), Span(10 * HOUR_S, HOUR_S)}
    assert all(cell.outcomes == {Outcome.ANSWERED: 1, Outcome.FAILED: 1} for cell in first.values())
    assert all(cell.steps == {step_of(0.002): 1} for cell in first.values())
    assert tally.take() == []
    clock.now += MINUTE_S
    tally.count("svc", Outcome.ANSWERED, 0.002)
    second = {cell.span.width_s: cell.outcomes[Outcome.ANSWERED] for cell in tally.take()}
    assert second == {MINUTE_S: 1, HOUR_S: 2}


def test_what_could_not_be_told_is_told_later_though_its_time_is_over() -> None:
    clock = Clock()
    tally = Tally(clock)
    tally.count("svc", Outcome.ANSWERED, 0.002)
    taken = tally.take()
    tally.count("svc", Outcome.ANSWERED, 0.002)
    tally.give_back(taken)
    assert {cell.outcomes[Outcome.ANSWERED] for cell in tally.take()} == {2}, "not what it was when it was taken"
    tally.count("svc", Outcome.ANSWERED, 0.002)
    clock.now += 2 * HOUR_S
    late = tally.take()
    tally.give_back(late)
    assert sorted(tally.take(), key=lambda cell: cell.span.width_s) == sorted(late, key=lambda cell: cell.span.width_s)
    assert tally.take() == []


def test_nobody_to_tell_for_long_costs_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "_MOST_CELLS", 3)
    tally = Tally(Clock())
    cells = [Cell("svc", Span(start, MINUTE_S), Counter({Outcome.ANSWERED: 1})) for start in range(0, 600, 60)]
    tally.give_back(cells)
    assert sorted(cell.span.start for cell in tally.take()) == [420, 480, 540]


def test_very_many_are_told_in_parts_and_only_the_refused_part_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "REPORT_EVERY_S", 0.01)
    monkeypatch.setattr(traffic, "REPORTED_AT_ONCE", 4)
    tally, sizes, told, done = Tally(), list[int](), Counter[str](), threading.Event()

    def send(_source: str, cells: Sequence[Cell]) -> None:
        sizes.append(len(cells))
        if len(sizes) == 2:
            raise Unavailable("not this one")
        told.update(cell.subject for cell in cells)
        if told.total() == 20:
            done.set()

    for number in range(10):
        tally.count(f"svc-{number}", Outcome.ANSWERED, 0.002)
    reporter = Reporter(tally, send).start()
    assert done.wait(5)
    reporter.stop()
    assert set(told.values()) == {2}
    assert max(sizes) == 4


def test_a_reporter_goes_on_after_errors_and_tells_the_last_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "REPORT_EVERY_S", 0.01)
    tally, tried, told = Tally(), threading.Event(), list[Cell]()

    def send(source: str, cells: Sequence[Cell]) -> None:
        assert source == tally.source
        if not tried.is_set():
            tried.set()
            raise Unavailable("nobody there")
        told.extend(cells)

    tally.count("svc", Outcome.ANSWERED, 0.002)
    reporter = Reporter(tally, send).start()
    assert tried.wait(5)
    tally.count("other", Outcome.ANSWERED, 0.002)
    reporter.stop()
    assert {(cell.subject, cell.span.width_s) for cell in told} == {
        (subject, width) for subject in ("svc", "other") for width in (MINUTE_S, HOUR_S)
    }

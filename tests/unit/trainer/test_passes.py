"""A pass over runs: what is written together, and what one run does to the others."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest

from services.kernel.errors import Conflict, DomainError, Internal, NotFound, Unavailable
from services.trainer import passes
from services.trainer.domain import Run
from services.trainer.passes import PATIENCE, TOGETHER, Pass, Step, Write


def runs(count: int) -> list[Run]:
    return [
        Run(id=f"task-{at:03}-1", project="default", owner="u", task_id=f"task-{at:03}", number=1)
        for at in range(count)
    ]


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many transactions were tried."""
    tried: list[int] = []

    def transaction(work: Callable[[], None]) -> None:
        tried.append(1)
        work()

    monkeypatch.setattr(passes, "transaction", transaction)
    return tried


def test_what_runs_come_to_is_written_together(transactions: list[int]) -> None:
    written: list[str] = []
    Pass("submit").take(runs(TOGETHER + 1), Step(lambda run: lambda: written.append(run.id)))
    assert written == [run.id for run in runs(TOGETHER + 1)]
    assert len(transactions) == 2


def test_the_next_step_is_for_those_that_were_written(transactions: list[int]) -> None:
    asked: list[str] = []

    def only_even(run: Run) -> Write | None:
        return (lambda: None) if int(run.task_id[-1]) % 2 == 0 else None

    def second(run: Run) -> None:
        asked.append(run.task_id)

    Pass("submit").take(runs(4), Step(only_even), Step(second))
    assert sorted(asked) == ["task-000", "task-002"]
    assert len(transactions) == 1


@pytest.mark.parametrize("error", [Conflict("It was changed.", reason="VERSION_CONFLICT"), NotFound("Forgotten.")])
def test_one_that_cannot_be_written_does_not_hold_up_the_others(transactions: list[int], error: DomainError) -> None:
    written: list[str] = []

    def step(run: Run) -> Write:
        def write() -> None:
            if run.task_id == "task-001":
                raise error
            written.append(run.task_id)

        return write

    with nullcontext() if isinstance(error, Conflict) else pytest.raises(NotFound):
        Pass("judge").take(runs(3), Step(step))
    assert written == ["task-000", "task-000", "task-002"]  # the first time was rolled back
    assert len(transactions) == 1 + 3


def test_a_lost_lease_ends_the_pass(transactions: list[int]) -> None:
    def write() -> None:
        raise Conflict("The lease has passed on.", reason="FENCED")

    with pytest.raises(Conflict):
        Pass("judge").take(runs(3), Step(lambda _run: write))
    assert len(transactions) == 1


@pytest.mark.usefixtures("transactions")
def test_a_failure_is_raised_when_all_had_their_turn() -> None:
    written: list[str] = []

    def step(run: Run) -> Write:
        if run.task_id == "task-000":
            raise Internal("It broke.")
        return lambda: written.append(run.task_id)

    with pytest.raises(Internal):
        Pass("judge").take(runs(2), Step(step))
    assert written == ["task-001"]


@pytest.mark.usefixtures("transactions")
def test_who_does_not_answer_is_not_asked_for_every_run() -> None:
    asked: list[str] = []

    def step(run: Run) -> Write:
        asked.append(run.id)
        raise Unavailable("It does not answer.")

    with pytest.raises(Unavailable):
        Pass("submit").take(runs(10 * TOGETHER), Step(step))
    assert PATIENCE <= len(asked) < TOGETHER

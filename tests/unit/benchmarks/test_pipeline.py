"""The benchmark's own arithmetic, and the names that its result promises."""

import sys

import pytest

from tests.benchmarks.pipeline import measure
from tests.benchmarks.pipeline.__main__ import KEYS, PARTS, arguments


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert measure.percentile(values, 0.5) == 50
    assert measure.percentile(values, 0.99) == 99
    assert measure.percentile(values, 1) == 100
    assert measure.percentile([7.0], 0.99) == 7


def test_both_sides_are_measured_in_turn() -> None:
    order: list[str] = []

    def side(name: str, values: list[float]) -> float:
        order.append(name)
        return values.pop(0)

    ours, theirs = [1.0, 9.0, 2.0], [4.0, 5.0, 90.0]
    medians = measure.alternating(3, lambda: side("a", ours), lambda: side("b", theirs))
    assert medians == (2, 5)
    assert order == ["a", "b"] * 3


def test_the_result_has_the_promised_keys_in_order() -> None:
    assert KEYS[:12] == (
        "startup_s", "rss_mb", "submit_started_p50_s", "submit_started_p99_s", "tasks_per_s", "tasks_per_s_sim",
        "event_p50_ms", "event_p99_ms", "events_per_s", "upload_vs_store", "import_vs_unzip", "training_vs_bare",
    )  # fmt: skip
    assert KEYS[12:] == tuple(f"predict_vs_{other}_{n}" for other in ("triton", "fastapi") for n in (1, 8, 32))


def test_parts_and_sizes_are_chosen_on_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["pipeline", "--quick", "--only", "events, startup", "--tasks", "7"])
    chosen, sizes = arguments()
    assert chosen == ["events", "startup"]
    assert (sizes.tasks, sizes.images) == (7, measure.QUICK.images)
    monkeypatch.setattr(sys, "argv", ["pipeline"])
    assert arguments() == (list(PARTS), measure.Sizes())
    monkeypatch.setattr(sys, "argv", ["pipeline", "--only", "nothing"])
    with pytest.raises(SystemExit):
        arguments()

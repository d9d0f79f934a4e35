"""What a run writes into its metrics file."""

import json

from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.agent.metrics import MetricLines


def lines(*contents: object) -> bytes:
    return b"".join(json.dumps(content).encode() + b"\n" for content in contents)


def test_points_are_numbered_from_1_and_progress_is_kept_apart() -> None:
    reader = MetricLines()
    reader.feed(lines({"step": 1, "name": "loss", "value": 2, "time": 0}, {"step": 0, "name": "progress", "value": 7}))
    reader.feed(lines({"step": 2, "name": "loss", "value": 1.5}))
    assert [(point.index, point.step, point.value) for point in reader.points] == [(1, 1, 2.0), (2, 2, 1.5)]
    assert reader.progress == 1.0


def test_steps_start_and_finish() -> None:
    reader = MetricLines()
    reader.feed(lines({"event": "step", "name": "a", "state": "started", "time": 1}))
    assert [step.state for step in reader.steps] == ["running"]
    reader.feed(lines({"event": "step", "name": "a", "state": "finished", "time": 2}))
    assert [(step.state, step.finished_at is not None) for step in reader.steps] == [("finished", True)]


def test_what_is_no_metric_is_counted_and_passed_over() -> None:
    reader = MetricLines()
    reader.feed(b'nonsense\n[]\n{"name": "x"}\n{"name": "x", "value": NaN}\n{"name": "x", "value": 1, "time": 1e300}\n')
    reader.feed(b'{"event": "invalid", "name": "x"}\n{"name": "x", "value": true, "step": "s"}\n')
    reader.feed(b"x" * 100_000 + b"\n" + lines({"name": "y", "value": 1, "step": 1}))
    assert reader.malformed == 7
    assert [point.name for point in reader.points] == ["y"]


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_in_any_pieces_do_no_harm(data: bytes, piece: int) -> None:
    whole, parts = MetricLines(), MetricLines()
    whole.feed(data)
    for at in range(0, len(data), piece):
        parts.feed(data[at : at + piece])
    assert (whole.malformed, whole.count) == (parts.malformed, parts.count)


def test_half_of_a_surrogate_pair_in_a_name_is_counted_as_malformed() -> None:
    reader = MetricLines()
    reader.feed(lines({"name": "\ud800", "value": 1}, {"event": "step", "name": "\udfff", "state": "started"}))
    reader.feed(lines({"name": "\U0001f600", "value": 1}))
    assert (reader.malformed, reader.steps) == (2, ())
    assert [point.name for point in reader.points] == ["\U0001f600"]

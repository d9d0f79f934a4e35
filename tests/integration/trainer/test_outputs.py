"""What a run has to leave, and how a task fails without it."""

import json

import pytest

from tests.integration.trainer.conftest import GOOD, REPORT, SCORES, Platform, State

NESTED = """
format: modelyard-model/1
framework: onnx
labels: [a]
weights: model.onnx
x: &x [y, y]
interface: {name: classify, returns: [*x, *x]}
"""


def report(**changes: object) -> bytes:
    return json.dumps({**REPORT, **changes}).encode()


def scores(accuracy: object) -> bytes:
    return report(overall={**SCORES, "accuracy": accuracy})


def without(path: str) -> dict[str, bytes]:
    return {name: content for name, content in GOOD.items() if name != path}


CASES: list[tuple[str, dict[str, bytes], str]] = [
    ("nothing", {}, "report.json"),
    ("no report", without("report.json"), "report.json is missing"),
    ("not JSON", {**GOOD, "report.json": b"{"}, "report.json cannot be read"),
    ("not UTF-8", {**GOOD, "report.json": b"\xff\xfe"}, "report.json cannot be read"),
    ("deep", {**GOOD, "report.json": b"[" * 100_000}, "report.json cannot be read"),
    ("above one", {**GOOD, "report.json": scores(1.5)}, "overall.accuracy"),
    ("not a number", {**GOOD, "report.json": scores(float("nan"))}, "overall.accuracy"),
    ("endless", {**GOOD, "report.json": scores(10**400)}, "overall.accuracy"),
    ("true", {**GOOD, "report.json": scores(True)}, "overall.accuracy"),
    ("rows", {**GOOD, "report.json": report(per_class=[{"class": "a"}])}, "report.json does not fit"),
    ("no model", without("model/model.yaml"), "model/model.yaml is missing"),
    ("no weights", without("model/model.onnx"), "model/model.onnx was expected"),
    ("a list", {**GOOD, "model/model.yaml": b"- a\n- b\n"}, "an object was expected"),
    ("not YAML", {**GOOD, "model/model.yaml": b"{"}, "model/model.yaml cannot be read"),
    ("aliases", {**GOOD, "model/model.yaml": NESTED.encode()}, "aliases are not allowed"),
    (
        "parameters",
        {**GOOD, "model/model.yaml": GOOD["model/model.yaml"].replace(b"[{name: image, type: image}]", b"[image]")},
        "interface.parameters",
    ),
]


@pytest.fixture(scope="module")
def failed(running: Platform) -> dict[str, str]:
    """The task of each case; all run at the same time."""
    from services.kernel.context import Caller, acting_as

    with acting_as(Caller("ann")):
        return {name: running.finished(files) for name, files, _ in CASES}


@pytest.mark.parametrize(("name", "expected"), [(name, expected) for name, _, expected in CASES])
def test_what_is_missing_is_said(platform: Platform, failed: dict[str, str], name: str, expected: str) -> None:
    task = platform.reaches(failed[name], State.STATE_FAILED)
    assert task.error_reason == "OUTPUT_INVALID"
    assert expected in task.error
    assert platform.events(task.id)[-1] == "task.failed"

"""Parameters of tasks: what users write, and what algorithms of users ask of them."""

import json

import pytest

from services.kernel.errors import InvalidArgument
from services.kernel.patterns import MAX_TEXT_CHARACTERS
from services.trainer.parameters import complete


def schema(**rules: object) -> str:
    return json.dumps({"type": "object", "properties": rules})


def refused(schema_text: str, parameters: str) -> tuple[str, str]:
    with pytest.raises(InvalidArgument) as caught:
        complete(schema_text, parameters)
    (violation,) = caught.value.violations
    return violation.field, violation.description


@pytest.mark.parametrize(
    "value", ["1" + "0" * 5000, "NaN", "Infinity", "-Infinity", "1e999", '"\\ud800"', "[" * 100_000, "{", "[NaN]"]
)
def test_what_is_no_json_is_refused(value: str) -> None:
    field, _ = refused(schema(x={"type": "number"}), f'{{"x": {value}}}')
    assert field == "task.parameters"


def test_patterns_are_matched() -> None:
    rules = schema(tag={"type": "string", "pattern": "^[a-z]+$"}, note={"type": "string"})
    given = {"note": "9" * 10_000, "tag": "a" * MAX_TEXT_CHARACTERS}
    assert json.loads(complete(rules, json.dumps(given))) == given
    assert refused(rules, '{"tag": "9"}')[0] == "task.parameters.tag"


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"type": "string", "pattern": "^[a-z]+$"}, "a" * (MAX_TEXT_CHARACTERS + 1)),
        ({"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}}, ["a" * 1000] * 5),
    ],
)
def test_long_texts_are_not_matched(rule: object, value: object) -> None:
    field, told = refused(schema(tag=rule), json.dumps({"tag": value}))
    assert field == "task.parameters.tag"
    assert "at most 4096 characters" in told


@pytest.mark.parametrize("nested", [False, True])
def test_an_unsafe_pattern_is_never_matched(nested: bool) -> None:
    rule: dict[str, object] = {"type": "string", "pattern": "(a+)+$"}
    rules = schema(tag={"type": "array", "items": rule} if nested else rule)
    text = "a" * 60 + "!"
    field, told = refused(rules, json.dumps({"tag": [text] if nested else text}))
    assert field == "task.parameters.tag"
    assert "without ( ) |" in told

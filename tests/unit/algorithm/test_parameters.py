"""Parameter schema: defaults, validation messages, plain variables."""

import pytest

from services.algorithm.sdk.errors import ParameterError
from services.algorithm.sdk.jsontypes import Json, JsonObject
from services.algorithm.sdk.parameters import (
    Parameters,
    from_plain_variables,
    parse_text,
    plain_variables,
    resolve,
)

SCHEMA: JsonObject = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "epochs": {"type": "integer", "minimum": 1, "maximum": 100, "default": 5},
        "rate": {"type": "number", "exclusiveMinimum": 0, "default": 0.1},
        "policy": {"type": "string", "enum": ["fixed", "exp"], "default": "fixed"},
        "augment": {"type": "boolean", "default": True},
        "name": {"type": "string", "minLength": 1},
        "sizes": {"type": "array", "items": {"type": "integer", "minimum": 1}, "default": [1]},
        "segmentation": {"type": "object", "properties": {"rate": {"type": "number", "default": 0.5}}},
    },
}


def test_defaults_are_filled_in_also_below_objects() -> None:
    assert resolve(SCHEMA, {"name": "x"}) == {
        "epochs": 5,
        "rate": 0.1,
        "policy": "fixed",
        "augment": True,
        "name": "x",
        "sizes": [1],
        "segmentation": {"rate": 0.5},
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": "many"}, "parameter 'epochs': expected an integer, at least 1, at most 100, got \"many\""),
        ({"epochs": 0}, "parameter 'epochs': expected an integer, at least 1, at most 100, got 0"),
        ({"epochs": True}, "parameter 'epochs': expected an integer, at least 1, at most 100, got true"),
        ({"rate": 0}, "parameter 'rate': expected a number, above 0, got 0"),
        ({"rate": float("nan")}, "parameter 'rate': expected a number, above 0, got NaN"),
        ({"policy": "step"}, 'parameter \'policy\': expected one of "fixed", "exp", got "step"'),
        ({"augment": 1}, "parameter 'augment': expected true or false, got 1"),
        ({"name": ""}, "parameter 'name': expected a text, of at least 1 characters, got \"\""),
        ({"sizes": [1, 0]}, "parameter 'sizes[1]': expected an integer, at least 1, got 0"),
        ({"segmentation": {"rate": "x"}}, "parameter 'segmentation.rate': expected a number, got \"x\""),
        ({"epoch": 3}, "parameter 'epoch': unknown, expected one of: epochs, rate, policy, augment, name, sizes"),
    ],
)
def test_a_wrong_value_names_the_parameter_and_what_was_expected(given: JsonObject, message: str) -> None:
    with pytest.raises(ParameterError) as raised:
        resolve(SCHEMA, {"name": "x", **given})
    assert len(raised.value.problems) == 1
    assert raised.value.problems[0].startswith(message)


def test_every_fault_is_listed() -> None:
    with pytest.raises(ParameterError) as raised:
        resolve(SCHEMA, {"epochs": 0, "rate": -1})
    assert len(raised.value.problems) == 3
    assert "parameter 'name': missing, expected a text, of at least 1 characters" in raised.value.problems


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("epochs", "7", 7),
        ("rate", "1e-3", 1e-3),
        ("augment", "false", False),
        ("name", "12", "12"),
        ("epochs", "x", "x"),
    ],
)
def test_text_is_read_by_the_declared_type(name: str, text: str, value: Json) -> None:
    assert parse_text(SCHEMA, name, text) == value


def test_plain_variables_round_trip() -> None:
    values = resolve(SCHEMA, {"name": "数字", "augment": False})
    variables = plain_variables(values)
    assert variables["EPOCHS"] == "5"
    assert variables["AUGMENT"] == "false"
    assert from_plain_variables(SCHEMA, variables) == values


def test_typed_access_refuses_another_type() -> None:
    params = Parameters({"epochs": 5, "rate": 1})
    assert params.number("rate") == 1.0
    with pytest.raises(ParameterError, match="'rate': expected a text, got 1"):
        params.text("rate")
    with pytest.raises(ParameterError, match="'seed': expected an integer, got nothing"):
        params.integer("seed")

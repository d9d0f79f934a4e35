"""Parameters of a run: defaults and validation by the algorithm's parameter schema, then typed access.

Contract version 1 allows this part of JSON Schema (draft 2020-12) in `training.parameters`: `type` (object, integer,
number, string, boolean, array), `properties`, `required`, `default`, `enum`, `minimum`, `maximum`,
`exclusiveMinimum`, `exclusiveMaximum`, `minLength`, `maxLength`, `pattern`, `items`, `minItems`, `maxItems`, and the
notes `title` and `description`. Names that the schema does not list are refused.
"""

import json
import math
import re
from collections.abc import Mapping

from .errors import ParameterError
from .jsontypes import Json, JsonObject, as_list, as_object

_ARTICLES = {
    "integer": "an integer",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}


class Parameters:
    """Validated parameters of a run, read by name and type."""

    def __init__(self, values: JsonObject) -> None:
        self._values = dict(values)

    def as_dict(self) -> JsonObject:
        """Return a copy of all values, defaults included."""
        return dict(self._values)

    def integer(self, name: str) -> int:
        """Return an integer parameter; raises ParameterError when it is absent or something else."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._mismatch(name, "an integer")
        return value

    def number(self, name: str) -> float:
        """Return a numeric parameter as float; raises ParameterError when it is absent or something else."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._mismatch(name, "a number")
        return float(value)

    def text(self, name: str) -> str:
        """Return a text parameter; raises ParameterError when it is absent or something else."""
        value = self._values.get(name)
        if not isinstance(value, str):
            raise self._mismatch(name, "a text")
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean parameter; raises ParameterError when it is absent or something else."""
        value = self._values.get(name)
        if not isinstance(value, bool):
            raise self._mismatch(name, "true or false")
        return value

    def _mismatch(self, name: str, expected: str) -> ParameterError:
        found = json.dumps(self._values[name]) if name in self._values else "nothing"
        return ParameterError([f"parameter '{name}': expected {expected}, got {found}"])


def resolve(schema: JsonObject, given: JsonObject) -> JsonObject:
    """Fill `given` up with the schema's defaults and check it.

    Returns the complete parameters; raises ParameterError with one message for each fault.
    """
    problems: list[str] = []
    resolved = _resolve_object(schema, given, "", problems)
    if problems:
        raise ParameterError(problems)
    return resolved


def parse_text(schema: JsonObject, name: str, text: str) -> Json:
    """Read the value of parameter `name` from text (command line, environment) by its declared type.

    Text that does not fit is returned as it is, so that `resolve` can say what was expected.
    """
    if as_object(as_object(schema.get("properties")).get(name)).get("type") == "string":
        return text
    try:
        return _decode(text)
    except ValueError:
        return text


def plain_variables(values: JsonObject) -> dict[str, str]:
    """Return top-level parameters as plain upper-case environment variables (`EPOCHS=3`, `AUGMENT=true`)."""
    return {
        name.upper(): value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
        if value is not None
    }


def from_plain_variables(schema: JsonObject, environment: Mapping[str, str]) -> JsonObject:
    """Collect the parameters that stand in `environment` as plain upper-case variables."""
    return {
        name: parse_text(schema, name, environment[name.upper()])
        for name in as_object(schema.get("properties"))
        if name.upper() in environment
    }


def _decode(text: str) -> Json:
    decoded: Json = json.loads(text)
    return decoded


def _resolve_object(schema: JsonObject, given: JsonObject, prefix: str, problems: list[str]) -> JsonObject:
    properties = as_object(schema.get("properties"))
    resolved: JsonObject = {}
    for unknown in [name for name in given if name not in properties]:
        known = ", ".join(properties) or "none"
        problems.append(f"parameter '{prefix}{unknown}': unknown, expected one of: {known}")
    for name, raw in properties.items():
        rule, full = as_object(raw), prefix + name
        if name in given:
            resolved[name] = _resolve_value(rule, given[name], full, problems)
        elif rule.get("type") == "object":
            resolved[name] = _resolve_object(rule, {}, f"{full}.", problems)
        elif "default" in rule:
            resolved[name] = rule["default"]
        elif name in as_list(schema.get("required")):
            problems.append(f"parameter '{full}': missing, expected {expected(rule)}")
    return resolved


def _resolve_value(rule: JsonObject, value: Json, name: str, problems: list[str]) -> Json:
    kind = rule.get("type")
    if kind == "object" and isinstance(value, dict):
        return _resolve_object(rule, value, f"{name}.", problems)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not _fits(rule, value):
        found = json.dumps(value, ensure_ascii=False)
        problems.append(f"parameter '{name}': expected {expected(rule)}, got {found[:80]}")
    elif isinstance(value, list):
        item = as_object(rule.get("items"))
        return [_resolve_value(item, entry, f"{name}[{at}]", problems) for at, entry in enumerate(value)]
    return value


def _fits(rule: JsonObject, value: Json) -> bool:
    kinds: dict[str, type | tuple[type, ...]] = {
        "integer": int, "number": (int, float), "string": str, "boolean": bool, "array": list, "object": dict,
    }  # fmt: skip
    kind = rule.get("type")
    wrong_flag = isinstance(value, bool) != (kind == "boolean")
    if isinstance(kind, str) and (wrong_flag or not isinstance(value, kinds.get(kind, object))):
        return False
    choices = rule.get("enum")
    if isinstance(choices, list) and value not in choices:
        return False
    if isinstance(value, str):
        pattern = rule.get("pattern")
        matches = not isinstance(pattern, str) or re.search(pattern, value) is not None
        return matches and _in_length(rule, len(value), "minLength", "maxLength")
    if isinstance(value, list):
        return _in_length(rule, len(value), "minItems", "maxItems")
    return isinstance(value, bool) or not isinstance(value, int | float) or _in_range(rule, value)


def _in_length(rule: JsonObject, length: int, least: str, most: str) -> bool:
    low, high = rule.get(least), rule.get(most)
    return (not isinstance(low, int) or length >= low) and (not isinstance(high, int) or length <= high)


def _in_range(rule: JsonObject, value: int | float) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return False
    low, high = rule.get("minimum"), rule.get("maximum")
    above, below = rule.get("exclusiveMinimum"), rule.get("exclusiveMaximum")
    return (
        (not isinstance(low, int | float) or value >= low)
        and (not isinstance(high, int | float) or value <= high)
        and (not isinstance(above, int | float) or value > above)
        and (not isinstance(below, int | float) or value < below)
    )


def expected(rule: JsonObject) -> str:
    """Describe in words what a property's rule allows, e.g. "an integer, at least 1, at most 1000"."""
    choices = rule.get("enum")
    if isinstance(choices, list):
        return "one of " + ", ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)
    words = [_ARTICLES.get(str(rule.get("type")), "a value")]
    notes = {
        "minimum": "at least {}", "maximum": "at most {}", "exclusiveMinimum": "above {}",
        "exclusiveMaximum": "below {}", "minLength": "of at least {} characters",
        "maxLength": "of at most {} characters", "pattern": "matching {}",
        "minItems": "of at least {} entries", "maxItems": "of at most {} entries",
    }  # fmt: skip
    words += [note.format(rule[key]) for key, note in notes.items() if key in rule]
    return ", ".join(words)

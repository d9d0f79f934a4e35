"""Parameters of a task against the JSON Schema of its algorithm."""

import json
from collections.abc import Mapping
from typing import cast

from jsonschema import Draft202012Validator

from services.kernel import patterns
from services.kernel.errors import FieldViolation, InvalidArgument

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def complete(schema_text: str, parameters_text: str) -> str:
    """The parameters with the defaults of the schema filled in, as JSON text.

    Raises `InvalidArgument` with one violation for each parameter that does not fit the schema.
    """
    schema = cast("dict[str, Json]", json.loads(schema_text or "{}"))
    given = _parse(parameters_text)
    known = cast("dict[str, dict[str, Json]]", schema.get("properties", {}))
    defaults = {name: rule["default"] for name, rule in known.items() if "default" in rule}
    values = {**defaults, **given}
    _check_patterns(known, values)
    unknown = [] if schema.get("additionalProperties") else sorted(set(values) - set(known))
    violations = [
        FieldViolation(f"task.parameters.{name}", f"is not known; these are: {', '.join(sorted(known)) or 'none'}")
        for name in unknown
    ]
    for error in Draft202012Validator(schema).iter_errors(values):
        path = ".".join(map(str, error.absolute_path))
        if error.validator != "additionalProperties":
            violations.append(FieldViolation(f"task.parameters.{path}".rstrip("."), error.message))
    if violations:
        text = "; ".join(f"{violation.field}: {violation.description}" for violation in violations)
        raise InvalidArgument(text, reason="PARAMETERS_INVALID", violations=violations)
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def _check_patterns(rules: Mapping[str, Mapping[str, Json]], values: Mapping[str, Json]) -> None:
    """Raises `InvalidArgument` where matching a pattern could take endless time."""
    for name, rule in rules.items():
        unsafe = [pattern for _, pattern in patterns.patterns_in(rule) if not patterns.is_safe_pattern(pattern)]
        if unsafe:
            text = f"the algorithm's pattern {unsafe[0][:80]} is not usable; expected was {patterns.EXPECTED}"
            raise InvalidArgument.field(f"task.parameters.{name}", text, reason="PARAMETERS_INVALID")
    long = patterns.overlong(rules, values)
    if long:
        text = f"at most {patterns.MAX_TEXT_CHARACTERS} characters in all parameters with a pattern were expected"
        raise InvalidArgument.field(f"task.parameters.{long}", text, reason="PARAMETERS_INVALID")


def _parse(text: str) -> Mapping[str, Json]:
    try:
        values = json.loads(text or "{}")
        # NaN, infinity and half characters, which Python reads, cannot be written as JSON in UTF-8.
        json.dumps(values, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise InvalidArgument.field("task.parameters", f"JSON text was expected: {error}") from error
    if not isinstance(values, dict):
        raise InvalidArgument.field("task.parameters", "a JSON object was expected")
    return values


def as_environment(parameters: str) -> dict[str, str]:
    """The parameters as plain variables: `batch_size` becomes `BATCH_SIZE`; nested values as JSON text."""
    values = cast("dict[str, Json]", json.loads(parameters))
    return {
        name.upper(): value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
    }

"""Parameters of a task against the JSON Schema of its algorithm."""

import json
from collections.abc import Mapping
from typing import cast

from jsonschema import Draft202012Validator

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


def _parse(text: str) -> Mapping[str, Json]:
    try:
        values = json.loads(text or "{}")
    except (json.JSONDecodeError, RecursionError) as error:
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

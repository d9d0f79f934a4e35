"""JSON to messages and back, by the rules of protobuf JSON with field names as in the protos.

Two liberties when reading: an enum value may be given in its short form (`public` for `VISIBILITY_PUBLIC`), and names
may be camelCase. Everything else that is not known is refused by name. Times are RFC 3339, 64-bit numbers may be JSON
numbers or strings and are written as strings, as JavaScript would lose their digits.
"""

import json
from collections.abc import Mapping
from typing import NoReturn, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from google.protobuf.message import Message

from services.kernel.errors import InvalidArgument

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_FREE = ("google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue", "google.protobuf.Any")
_DEEPEST = 60


def parse_json(body: bytes) -> Json:
    """Strict JSON in UTF-8: no duplicate keys, no NaN. Raises InvalidArgument."""
    try:
        value: Json = json.loads(body.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"The body is not JSON in UTF-8: {error}", reason="BODY_NOT_JSON") from error
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def fill(message: Message, value: Json, path: str = "") -> None:
    """Merge a JSON value into `message`. Raises InvalidArgument that names the field; `path` is where it stands."""
    prepared = _prepared(descriptor_of(message), value, path, 0)
    try:
        ParseDict(cast(dict[str, object], prepared), message)
    except ParseError as error:
        raise InvalidArgument.field(path or "body", str(error).strip()) from error
    except (ValueError, OverflowError, TypeError, RecursionError) as error:
        raise InvalidArgument.field(path or "body", f"cannot be read: {error}") from error


def _prepared(descriptor: Descriptor, value: Json, path: str, depth: int) -> Json:
    """`value` with the liberties taken out, checked for unknown fields."""
    if descriptor.full_name in _FREE or _is_scalar_in_json(descriptor):
        return value
    if not isinstance(value, dict):
        raise InvalidArgument.field(path or "body", f"a JSON object was expected, not {_kind(value)}")
    if depth > _DEEPEST:
        raise InvalidArgument.field(path, "is nested too deep")
    found: dict[str, Json] = {}
    for name, inner in value.items():
        field = field_named(descriptor, name)
        where = f"{path}.{name}" if path else name
        if field is None:
            known = ", ".join(other.name for other in descriptor.fields)
            raise InvalidArgument.field(where, f"is not known here; expected one of: {known}", reason="UNKNOWN_FIELD")
        if field.name in found:
            raise InvalidArgument.field(where, "is given twice")
        found[field.name] = _field_value(field, inner, where, depth)
    return found


def _field_value(field: FieldDescriptor, value: Json, path: str, depth: int) -> Json:
    if value is None:
        return None
    if is_map(field):
        values = cast(Descriptor, field.message_type).fields_by_name["value"]
        if not isinstance(value, dict):
            raise InvalidArgument.field(path, f"a JSON object was expected, not {_kind(value)}")
        return {key: _single(values, inner, f"{path}.{key}", depth) for key, inner in value.items()}
    if field.is_repeated:
        if not isinstance(value, list):
            raise InvalidArgument.field(path, f"a JSON array was expected, not {_kind(value)}")
        return [_single(field, inner, f"{path}[{index}]", depth) for index, inner in enumerate(value)]
    return _single(field, value, path, depth)


def _single(field: FieldDescriptor, value: Json, path: str, depth: int) -> Json:
    if field.message_type is not None:
        return _prepared(field.message_type, value, path, depth + 1)
    if field.enum_type is not None and isinstance(value, str):
        return enum_name(field.enum_type, value, path)
    _check_scalar(field, value, path)
    return value


_EXPECTED: Mapping[int, tuple[tuple[type, ...], str]] = {
    FieldDescriptor.CPPTYPE_STRING: ((str,), "a string"),
    FieldDescriptor.CPPTYPE_BOOL: ((bool,), "true or false"),
    FieldDescriptor.CPPTYPE_INT32: ((int, float, str), "a whole number"),
    FieldDescriptor.CPPTYPE_INT64: ((int, float, str), "a whole number"),
    FieldDescriptor.CPPTYPE_UINT32: ((int, float, str), "a whole number"),
    FieldDescriptor.CPPTYPE_UINT64: ((int, float, str), "a whole number"),
    FieldDescriptor.CPPTYPE_DOUBLE: ((int, float, str), "a number"),
    FieldDescriptor.CPPTYPE_FLOAT: ((int, float, str), "a number"),
    FieldDescriptor.CPPTYPE_ENUM: ((int, str), "the name of a value"),
}
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def _check_scalar(field: FieldDescriptor, value: Json, path: str) -> None:
    types, expected = _EXPECTED[field.cpp_type]
    wrong = not isinstance(value, types) or (isinstance(value, bool) and bool not in types)
    bounds = _RANGES.get(field.cpp_type)
    if not wrong and bounds is not None:
        try:
            number = int(value) if isinstance(value, int | str) else float(str(value))
            wrong = number != int(number) or not bounds[0] <= number <= bounds[1]
            expected = f"a whole number from {bounds[0]} to {bounds[1]}"
        except (ValueError, OverflowError):
            wrong = True
    if wrong:
        raise InvalidArgument.field(path, f"{expected} was expected, not {_shown(value)}")


def enum_name(enum: EnumDescriptor, text: str, path: str) -> str:
    """The full name of an enum value given in full or short, in any case."""
    upper = text.upper()
    if upper in enum.values_by_name:
        return upper
    prefix = enum.values[0].name.removesuffix("UNSPECIFIED")
    if prefix + upper in enum.values_by_name:
        return str(prefix + upper)
    short = ", ".join(value.name.removeprefix(prefix).lower() for value in enum.values if value.number)
    raise InvalidArgument.field(path, f"{_shown(text)} is not known; expected one of: {short}")


def descriptor_of(message: Message) -> Descriptor:
    return cast(Descriptor, message.DESCRIPTOR)


def field_named(descriptor: Descriptor, name: str) -> FieldDescriptor | None:
    """The field with this name, as in the proto or in camelCase."""
    found: FieldDescriptor | None = descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)
    return found


def is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def _is_scalar_in_json(descriptor: Descriptor) -> bool:
    """Timestamp, Duration, FieldMask and wrappers are strings, numbers or booleans in JSON."""
    return descriptor.full_name.startswith("google.protobuf.") and descriptor.full_name != "google.protobuf.Empty"


def to_json(message: Message, *, indent: int | None = None) -> str:
    """The message as JSON: snake_case names, defaults written out."""
    return MessageToJson(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        ensure_ascii=False,
        indent=indent,
    )


def _kind(value: Json) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"

"""Dataclasses to protobuf messages and back, field by field of the same name.

The proto is the contract: what a message has and the dataclass has not stays at its default. `StrEnum` members meet the
enum value whose name ends with theirs (`imported` and `STATE_IMPORTED`), aware datetimes meet `Timestamp`.
"""

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.kernel.errors import InvalidArgument

FieldDescriptor = Any
"""Two classes of the same shape, of the pure Python and of the C implementation."""
EnumDescriptor = Any

M = TypeVar("M", bound=Message)
D = TypeVar("D")


@lru_cache
def _prefix(enum: EnumDescriptor) -> str:
    return str(enum.values[0].name).removesuffix("UNSPECIFIED")


def _enum_number(enum: EnumDescriptor, value: str) -> int:
    return int(enum.values_by_name[f"{_prefix(enum)}{value.upper()}"].number) if value else 0


def _enum_member(enum: EnumDescriptor, number: int) -> str:
    return "" if number == 0 else str(enum.values_by_number[number].name).removeprefix(_prefix(enum)).lower()


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def to_message(source: object, message_class: type[M]) -> M:
    """A new `message_class` with every field that `source` has an attribute of the same name for."""
    message = message_class()
    fill(message, source)
    return message


def fill(message: Message, source: object) -> None:
    for field in message.DESCRIPTOR.fields:
        value = getattr(source, field.name, None)
        if value is None:
            continue
        if _is_map(field):
            getattr(message, field.name).update(value)
        elif field.is_repeated:
            _fill_repeated(getattr(message, field.name), field, value)
        elif field.message_type is not None:
            _fill_message(getattr(message, field.name), value)
        elif field.enum_type is not None:
            setattr(message, field.name, _enum_number(field.enum_type, value))
        else:
            setattr(message, field.name, value)


def _fill_message(target: Message, value: object) -> None:
    if isinstance(value, datetime):
        typing.cast(Timestamp, target).FromDatetime(value)
    elif isinstance(value, Message):
        target.CopyFrom(value)
    else:
        target.SetInParent()
        fill(target, value)


def _fill_repeated(target: Any, field: FieldDescriptor, values: Iterable[Any]) -> None:
    if field.message_type is not None:
        for value in values:
            _fill_message(target.add(), value)
    elif field.enum_type is not None:
        target.extend(_enum_number(field.enum_type, value) for value in values)
    else:
        target.extend(values)


@lru_cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def from_message(message: Message, cls: type[D], **extra: object) -> D:
    """A `cls` from the fields of the message that it has too; `extra` gives or overrides fields."""
    values: dict[str, object] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        descriptor = message.DESCRIPTOR.fields_by_name.get(field.name)
        if field.name in extra or descriptor is None or not field.init:
            continue
        if descriptor.message_type is not None and not descriptor.is_repeated and not message.HasField(field.name):
            continue
        values[field.name] = _value(getattr(message, field.name), descriptor, _hints(typing.cast(Any, cls))[field.name])
    return cls(**{**values, **extra})


def _value(value: Any, field: FieldDescriptor, hint: Any) -> object:
    if _is_map(field):
        return dict(value)
    if field.is_repeated:
        inner = next((argument for argument in typing.get_args(hint) if argument is not Ellipsis), str)
        items = [_single(item, field, inner) for item in value]
        return tuple(items) if typing.get_origin(hint) is tuple else items
    return _single(value, field, hint)


def _single(value: Any, field: FieldDescriptor, hint: Any) -> object:
    options = [argument for argument in typing.get_args(hint) if argument is not type(None)] or [hint]
    target = options[0]
    if isinstance(value, Timestamp):
        return value.ToDatetime(UTC)
    if isinstance(value, Message):
        return from_message(value, target) if isinstance(target, type) and dataclasses.is_dataclass(target) else value
    if field.enum_type is not None:
        member = _enum_member(field.enum_type, value)
        is_enum = isinstance(target, type) and issubclass(target, StrEnum)
        return target(member) if is_enum and member else _default(target, member)
    return value


def _default(target: Any, member: str) -> object:
    return next(iter(target)) if isinstance(target, type) and issubclass(target, StrEnum) and not member else member


def apply_mask(entity: object, message: Message, mask: FieldMask, *, allowed: Mapping[str, Any] | set[str]) -> set[str]:
    """Copy the masked fields of `message` onto `entity`; without a mask, those that are set.

    Returns the names that were changed. Raises `InvalidArgument` for a path that may not be changed.
    """
    paths = list(mask.paths) or [f.name for f, _ in message.ListFields() if f.name in allowed]
    for path in paths:
        if path not in allowed:
            changeable = ", ".join(sorted(allowed))
            raise InvalidArgument.field("update_mask", f"`{path}` cannot be changed; these can: {changeable}")
    changed = set()
    for path in paths:
        field = message.DESCRIPTOR.fields_by_name[path]
        value = _value(getattr(message, path), field, _hints(typing.cast(Any, type(entity)))[path])
        if getattr(entity, path) != value:
            setattr(entity, path, value)
            changed.add(path)
    return changed

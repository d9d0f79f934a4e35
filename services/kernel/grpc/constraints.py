"""Enforces the `buf.validate` rules that stand in the protos.

The reference implementation for Python evaluates CEL and was measured at 7 ms a message; the few rules that the protos
use are compiled here into plain checks once a message type. A rule that is not known raises at start-up.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from protos.buf.validate import validate_pb2
from services.kernel.errors import FieldViolation, InvalidArgument

Check = Callable[[Any], str]
"""Takes a value, returns what was expected, or an empty string when the value is fine."""

_SHOWN_KEY = 60

_NUMERIC: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "lt": (lambda value, bound: value < bound, "less than"),
    "lte": (lambda value, bound: value <= bound, "at most"),
    "gt": (lambda value, bound: value > bound, "more than"),
    "gte": (lambda value, bound: value >= bound, "at least"),
}
_SIZES = {
    "min_len": (lambda value, bound: len(value) >= bound, "at least {} characters"),
    "max_len": (lambda value, bound: len(value) <= bound, "at most {} characters"),
    "min_items": (lambda value, bound: len(value) >= bound, "at least {} items"),
    "max_items": (lambda value, bound: len(value) <= bound, "at most {} items"),
    "min_pairs": (lambda value, bound: len(value) >= bound, "at least {} entries"),
    "max_pairs": (lambda value, bound: len(value) <= bound, "at most {} entries"),
}


def _size_check(fits: Callable[[Any, Any], bool], bound: int, text: str) -> Check:
    expected = text.format(bound)
    return lambda value: "" if fits(value, bound) else f"{expected} were expected, {len(value)} were given"


def _numeric_check(fits: Callable[[Any, Any], bool], bound: float, text: str) -> Check:
    return lambda value: "" if fits(value, bound) else f"{text} {bound} was expected, {value} was given"


def _pattern_check(pattern: str) -> Check:
    # In RE2, which the protos mean, `$` is the very end; in Python it also stands before a last newline.
    compiled = re.compile(re.sub(r"\$$", r"\\Z", pattern))
    return lambda value: "" if compiled.search(value) else f"a value that matches `{pattern}` was expected"


def _choice_check(choices: Iterable[Any], text: str) -> Check:
    allowed = set(choices)
    return lambda value: "" if value in allowed else text


def _rule_checks(name: str, bound: Any, field: FieldDescriptor) -> Check:
    if name in _NUMERIC:
        fits, text = _NUMERIC[name]
        return _numeric_check(fits, bound, text)
    if name in _SIZES:
        fits, text = _SIZES[name]
        return _size_check(fits, bound, text)
    if name == "pattern":
        return _pattern_check(bound)
    if name == "in":
        return _choice_check(bound, f"one of {', '.join(f'`{value}`' for value in bound)} was expected")
    if name == "defined_only" and field.enum_type is not None:
        return _choice_check(field.enum_type.values_by_number, "a defined value was expected")
    if name == "not_in" and field.enum_type is not None:
        excluded = set(bound)
        return lambda value: "a value other than unspecified was expected" if value in excluded else ""
    raise NotImplementedError(f"{field.full_name}: the constraint `{name}` is not known to the kernel")


def _checks(rules: Any, field: FieldDescriptor) -> tuple[Check, ...]:
    kind = rules.WhichOneof("type")
    if kind is None:
        return ()
    listed = getattr(rules, kind).ListFields()
    return tuple(_rule_checks(f.name, bound, field) for f, bound in listed if f.message_type is None)


class _Field:
    """The compiled rules of one field."""

    def __init__(self, field: FieldDescriptor) -> None:
        rules = field.GetOptions().Extensions[validate_pb2.field]
        self.name = field.name
        self.required = rules.required
        self.checks = _checks(rules, field)
        self.items = _checks(rules.repeated.items, field) if rules.repeated.HasField("items") else ()
        self.is_map = bool(field.message_type and field.message_type.GetOptions().map_entry)
        self.is_repeated = field.is_repeated
        self.is_message = field.message_type is not None and not self.is_map
        self.keys = _checks(rules.map.keys, field) if self.is_map else ()
        self.values = _checks(rules.map.values, field) if self.is_map else ()
        if field.enum_type is not None:  # a value that no code knows helps nobody, whether or not a rule says so
            known = _choice_check(field.enum_type.values_by_number, "a defined value was expected")
            self.items, self.checks = (
                ((*self.items, known), self.checks) if self.is_repeated else (self.items, (*self.checks, known))
            )
        self.matters = bool(self.required or self.checks or self.items or self.keys or self.values or self.is_message)

    def violations(self, message: Message, path: str, *, mask: frozenset[str] | None) -> Iterator[FieldViolation]:
        name = f"{path}{self.name}"
        if self.is_message and not self.is_repeated:
            if message.HasField(self.name):
                yield from _violations(getattr(message, self.name), f"{name}.", mask=mask)
            elif self.required:
                yield FieldViolation(name, "a value was expected, none was given")
            return
        value = getattr(message, self.name)
        if self.required and not value:
            yield FieldViolation(name, "a value was expected, none was given")
            return
        for check in self.checks:
            if expected := check(value):
                yield FieldViolation(name, expected)
                break
        if self.is_message:
            for index, item in enumerate(value):
                yield from _violations(item, f"{name}[{index}].", mask=mask)
        for index, item in enumerate(value if self.items else ()):
            yield from _failed(self.items, item, f"{name}[{index}]")
        for key, item in value.items() if self.keys or self.values else ():
            where = f"{name}[{str(key)[:_SHOWN_KEY]}]"
            yield from _failed(self.keys, key, where)
            yield from _failed(self.values, item, where)


def _failed(checks: Iterable[Check], value: Any, name: str) -> Iterator[FieldViolation]:
    return (FieldViolation(name, expected) for check in checks if (expected := check(value)))


@cache
def _compiled(descriptor: Descriptor) -> tuple[_Field, ...]:
    if descriptor.full_name.startswith("google.protobuf."):
        return ()
    return tuple(field for field in map(_Field, descriptor.fields) if field.matters)


def _violations(message: Message, path: str, *, mask: frozenset[str] | None) -> Iterator[FieldViolation]:
    """`mask` is None for a whole message; in a partial one what is set or named in the mask is judged."""
    judged = None if mask is None or not path else {field.name for field, _ in message.ListFields()} | mask
    for field in _compiled(message.DESCRIPTOR):
        if judged is None or field.name in judged:
            yield from field.violations(message, path, mask=mask)


def validate(message: Message) -> None:
    """Raise `InvalidArgument` with every violated rule of the message.

    In an update (a request with a field mask) the resource is partial: what is neither set nor masked is not judged.
    """
    mask = frozenset(message.update_mask.paths) if "update_mask" in message.DESCRIPTOR.fields_by_name else None  # type: ignore[attr-defined]
    violations = list(_violations(message, "", mask=mask))
    if violations:
        text = "; ".join(f"{violation.field}: {violation.description}" for violation in violations)
        raise InvalidArgument(text, violations=violations)


def precompile(service: ServiceDescriptor) -> None:
    """Compile the rules of all requests, so that an unknown rule fails the start and not a user's request."""
    pending = [method.input_type for method in service.methods]
    seen: set[str] = set()
    while pending:
        descriptor = pending.pop()
        if descriptor.full_name in seen:
            continue
        seen.add(descriptor.full_name)
        _compiled(descriptor)
        pending.extend(field.message_type for field in descriptor.fields if field.message_type is not None)

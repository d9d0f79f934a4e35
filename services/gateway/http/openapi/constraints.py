"""Rules of `buf.validate` as JSON Schema."""

import re

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from protos.buf.validate import validate_pb2

Schema = dict[str, object]

_KEYWORDS = {
    "min_len": "minLength",
    "max_len": "maxLength",
    "pattern": "pattern",
    "gte": "minimum",
    "lte": "maximum",
    "gt": "exclusiveMinimum",
    "lt": "exclusiveMaximum",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_pairs": "minProperties",
    "max_pairs": "maxProperties",
}


def rules_of(field: FieldDescriptorProto) -> validate_pb2.FieldRules:
    return field.options.Extensions[validate_pb2.field]


def keywords(rules: validate_pb2.FieldRules) -> Schema:
    """Keywords for the field's schema. 64-bit bounds are told in words, as those values are strings in JSON."""
    kind = rules.WhichOneof("type")
    if kind is None:
        return {}
    found: Schema = {}
    for field, value in getattr(rules, kind).ListFields():
        if field.name in _KEYWORDS:
            found[_KEYWORDS[field.name]] = value
        elif field.name == "in":
            found["enum"] = list(value)
    return found


def items(rules: validate_pb2.FieldRules) -> Schema:
    """Keywords for the items of a list."""
    return keywords(rules.repeated.items) if rules.WhichOneof("type") == "repeated" else {}


def must_be_given(field: FieldDescriptorProto) -> bool:
    """Whether leaving the field out breaks its rules: it is required, or its default value is not allowed."""
    rules = rules_of(field)
    kind = rules.WhichOneof("type")
    if rules.required or kind is None:
        return bool(rules.required)
    typed = getattr(rules, kind)
    if kind == "string":
        refused_by_pattern = bool(typed.pattern) and re.search(typed.pattern, "") is None
        return bool(typed.min_len or refused_by_pattern or (len(choices := getattr(typed, "in")) and "" not in choices))
    if kind == "enum":
        return 0 in typed.not_in
    if kind in ("bytes", "repeated", "map"):
        return bool(getattr(typed, {"bytes": "min_len", "repeated": "min_items", "map": "min_pairs"}[kind]))
    return not _allows_zero({bound.name: value for bound, value in typed.ListFields()})


def _allows_zero(bounds: dict[str, float]) -> bool:
    return bounds.get("gte", 0) <= 0 <= bounds.get("lte", 0) and bounds.get("gt", -1) < 0 < bounds.get("lt", 1)


def map_keys(rules: validate_pb2.FieldRules) -> Schema:
    """Keywords for the names in a map."""
    return keywords(rules.map.keys) if rules.WhichOneof("type") == "map" else {}


def map_values(rules: validate_pb2.FieldRules) -> Schema:
    """Keywords for the values of a map."""
    return keywords(rules.map.values) if rules.WhichOneof("type") == "map" else {}

"""Rules of `buf.validate` as JSON Schema."""

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

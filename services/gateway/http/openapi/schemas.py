"""Messages and enums as JSON Schema, as the transcoder reads and writes them."""

from collections.abc import Mapping, Sequence

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
)

from protos.buf.validate.validate_pb2 import FieldRules
from services.gateway.http.openapi.constraints import (
    Schema,
    items,
    keywords,
    map_keys,
    map_values,
    must_be_given,
    rules_of,
)

_TIME: Schema = {"type": "string", "format": "date-time"}
_WELL_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Timestamp": _TIME,
    "google.protobuf.Duration": {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?s$"},
    "google.protobuf.FieldMask": {"type": "string", "description": "Names of fields, separated by commas."},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Value": {},
    "google.protobuf.Any": {"type": "object", "required": ["@type"], "properties": {"@type": {"type": "string"}}},
}
_F = FieldDescriptorProto
_INT64 = (_F.TYPE_INT64, _F.TYPE_SINT64, _F.TYPE_SFIXED64)
_UINT64 = (_F.TYPE_UINT64, _F.TYPE_FIXED64)
_SCALARS: Mapping[int, Schema] = {
    _F.TYPE_STRING: {"type": "string"},
    _F.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    _F.TYPE_BOOL: {"type": "boolean"},
    _F.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _F.TYPE_FLOAT: {"type": "number", "format": "float"},
    _F.TYPE_INT32: {"type": "integer", "format": "int32"},
    _F.TYPE_SINT32: {"type": "integer", "format": "int32"},
    _F.TYPE_SFIXED32: {"type": "integer", "format": "int32"},
    _F.TYPE_UINT32: {"type": "integer", "minimum": 0},
    _F.TYPE_FIXED32: {"type": "integer", "minimum": 0},
    **{kind: {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"} for kind in _INT64},
    **{kind: {"type": "string", "format": "uint64", "pattern": "^[0-9]+$"} for kind in _UINT64},
}
_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
}


class Schemas:
    """Component schemas, collected as they are referred to."""

    def __init__(self, files: FileDescriptorSet, comments: Mapping[str, str]) -> None:
        self._comments = comments
        self._messages: dict[str, DescriptorProto] = {}
        self._enums: dict[str, EnumDescriptorProto] = {}
        for file in files.file:
            self._index(file.package, file.message_type, file.enum_type)
        self.components: dict[str, Schema] = {}

    def _index(self, scope: str, messages: object, enums: object) -> None:
        for enum in enums:  # type: ignore[attr-defined]
            self._enums[f"{scope}.{enum.name}"] = enum
        for message in messages:  # type: ignore[attr-defined]
            name = f"{scope}.{message.name}"
            self._messages[name] = message
            self._index(name, message.nested_type, message.enum_type)

    def fields(self, message: str) -> list[FieldDescriptorProto]:
        return list(self._messages[message].field)

    def reference(self, name: str) -> Schema:
        """A schema for the message or enum with this full name."""
        if name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[name])
        component = name.removeprefix("modelyard.")
        if component not in self.components:
            self.components[component] = {}  # a message may refer to itself
            self.components[component] = self._enum(name) if name in self._enums else self._message(name)
        return {"$ref": f"#/components/schemas/{component}"}

    def field(self, message: str, field: FieldDescriptorProto) -> Schema:
        """The schema of one field, with its comment and constraints."""
        rules = rules_of(field)
        found = self._typed(field, rules)
        found |= _stated(found, keywords(rules))
        comment = self._comments.get(f"{message}.{field.name}", "")
        if comment:
            found["description"] = "\n".join(filter(None, (comment, str(found.get("description", "")))))
        return found

    def is_parameter(self, field: FieldDescriptorProto) -> bool:
        """Whether a query parameter can hold it as one text or a list of texts."""
        return field.type != _F.TYPE_MESSAGE or field.type_name.removeprefix(".") in _WELL_KNOWN

    def message_of(self, field: FieldDescriptorProto) -> str:
        return field.type_name.removeprefix(".")

    def _typed(self, field: FieldDescriptorProto, rules: FieldRules) -> Schema:
        name = field.type_name.removeprefix(".")
        entry = self._messages.get(name) if field.type == _F.TYPE_MESSAGE else None
        if entry is not None and entry.options.map_entry:
            value = next(one for one in entry.field if one.name == "value")
            values = self._single(value)
            names = {"propertyNames": keys} if (keys := map_keys(rules)) else {}
            return {"type": "object", "additionalProperties": values | _stated(values, map_values(rules)), **names}
        single = self._single(field)
        if field.label == _F.LABEL_REPEATED:
            return {"type": "array", "items": single | _stated(single, items(rules))}
        return single

    def _single(self, field: FieldDescriptorProto) -> Schema:
        if field.type in (_F.TYPE_MESSAGE, _F.TYPE_ENUM):
            return self.reference(field.type_name.removeprefix("."))
        return dict(_SCALARS[field.type])

    def _message(self, name: str) -> Schema:
        return self.object(name, self.fields(name)) | self._described(name)

    def object(self, message: str, fields: Sequence[FieldDescriptorProto], *, partial: bool = False) -> Schema:
        """An object with these fields of the message; in a `partial` one nothing has to be there."""
        schema: Schema = {
            "type": "object",
            "properties": {field.name: self.field(message, field) for field in fields},
            "additionalProperties": False,
        }
        required = [field.name for field in fields if must_be_given(field)]
        return schema | ({"required": required} if required and not partial else {})

    def _enum(self, name: str) -> Schema:
        enum = self._enums[name]
        lines = [self._comments.get(name, "")]
        for value in enum.value:
            comment = self._comments.get(f"{name}.{value.name}", "")
            if comment:
                lines.append(f"- `{value.name}`: {comment}")
        schema: Schema = {"type": "string", "enum": [value.name for value in enum.value]}
        text = "\n".join(filter(None, lines))
        return schema | ({"description": text} if text else {})

    def _described(self, name: str) -> Schema:
        comment = self._comments.get(name, "")
        return {"description": comment} if comment else {}


def _stated(schema: Schema, constraints: Schema) -> Schema:
    """Constraints that fit the schema's type; bounds of numbers that are strings in JSON become words."""
    if schema.get("type") != "string":
        return {} if "$ref" in schema else constraints
    stated = {name: value for name, value in constraints.items() if name not in _BOUNDS}
    bounds = [f"{_BOUNDS[name]} {value}" for name, value in constraints.items() if name in _BOUNDS]
    return stated | ({"description": f"A whole number, {' and '.join(bounds)}."} if bounds else {})

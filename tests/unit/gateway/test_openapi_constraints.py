"""Every rule that stands in the protos of a published method stands in the OpenAPI document, field by field."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldOptions

from protos.buf.validate import validate_pb2
from services.gateway.contract.contract import Binding, load
from services.gateway.http.openapi.document import document
from services.kernel.errors import InvalidArgument
from services.kernel.grpc import constraints

Schema = Mapping[str, Any]
CONTRACT = load()
SPEC: dict[str, Any] = document(CONTRACT)
KEYWORDS = {
    "min_len": "minLength",
    "max_len": "maxLength",
    "pattern": "pattern",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_pairs": "minProperties",
    "max_pairs": "maxProperties",
    "in": "enum",
}
BOUNDS = {"gte": "minimum", "lte": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
IN_WORDS = {"gte": "at least", "lte": "at most", "gt": "more than", "lt": "less than"}


def resolved(schema: Schema) -> Schema:
    name = str(schema.get("$ref", "")).removeprefix("#/components/schemas/")
    return {**SPEC["components"]["schemas"][name], **schema} if name else schema


def rules_of(field: FieldDescriptor) -> Any:
    # The contract has a pool of its own, whose options do not know the extension.
    return FieldOptions.FromString(field.GetOptions().SerializeToString()).Extensions[validate_pb2.field]


def typed_rules(rules: Any) -> dict[str, Any]:
    kind = rules.WhichOneof("type")
    return {one.name: value for one, value in getattr(rules, kind).ListFields()} if kind else {}


def missing(field: FieldDescriptor, rules: Any, schema: Schema, where: str) -> Iterator[str]:
    """What the rules say and the schema does not."""
    schema = resolved(schema)
    for name, bound in typed_rules(rules).items():
        if name in KEYWORDS and schema.get(KEYWORDS[name]) != (list(bound) if name == "in" else bound):
            yield f"{where}: {KEYWORDS[name]} {bound}"
        if name in BOUNDS and schema.get("type") == "string":
            if f"{IN_WORDS[name]} {bound}" not in schema.get("description", ""):
                yield f"{where}: {IN_WORDS[name]} {bound}"
        elif name in BOUNDS and schema.get(BOUNDS[name]) != bound:
            yield f"{where}: {BOUNDS[name]} {bound}"
        if name == "items":
            yield from missing(field, bound, schema["items"], f"{where}[]")
        if name == "keys":
            yield from missing(field, bound, schema["propertyNames"], f"{where}.keys")
        if name == "values":
            yield from missing(field, bound, schema["additionalProperties"], f"{where}.values")
    if field.enum_type is not None and not schema.get("enum") and not resolved(schema.get("items", {})).get("enum"):
        yield f"{where}: the names of {field.enum_type.full_name}"


def below(message: Descriptor, schema: Schema, where: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """All that the schema of a message lacks, down to its last field."""
    schema = resolved(schema)
    if message.full_name.startswith("google.") or message.full_name in seen:
        return
    for field in message.fields:
        if field.name not in schema["properties"]:
            yield f"{where}.{field.name}: is not there"
            continue
        yield from of_field(
            field, schema["properties"][field.name], f"{where}.{field.name}", seen | {message.full_name}
        )


def of_field(field: FieldDescriptor, schema: Schema, where: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    yield from missing(field, rules_of(field), schema, where)
    inner = field.message_type
    if inner is not None and not inner.GetOptions().map_entry:
        listed = field.is_repeated
        yield from below(inner, resolved(schema)["items"] if listed else schema, where, seen)


def refused_when_absent(binding: Binding) -> set[str]:
    """Fields, by their path in the request, that the kernel misses in an empty one."""
    request = message_factory.GetMessageClass(binding.method.request)()
    if binding.body not in ("", "*"):
        getattr(request, binding.body).SetInParent()
    try:
        constraints.validate(request)
    except InvalidArgument as refused:
        return {violation.field for violation in refused.violations}
    return set()


def operation_of(binding: Binding) -> Any:
    return SPEC["paths"][binding.template.openapi][binding.verb.lower()]


def body_schema(binding: Binding) -> Schema:
    return resolved(operation_of(binding)["requestBody"]["content"]["application/json"]["schema"])


def places(binding: Binding) -> Iterator[tuple[FieldDescriptor, Schema, bool]]:
    """Every field of the request with its schema, and whether it is marked as required."""
    parameters = {one["name"]: one for one in operation_of(binding)["parameters"]}
    for field in binding.method.request.fields:
        if field.name == binding.body:
            yield field, body_schema(binding), operation_of(binding)["requestBody"]["required"]
        elif field.name in binding.template.variables or binding.body != "*":
            parameter = parameters[field.name]
            yield field, parameter["schema"], parameter.get("required", False)
        else:
            schema = body_schema(binding)
            yield field, schema["properties"][field.name], field.name in schema.get("required", ())


BINDINGS = {f"{one.verb} {one.template.text}": one for one in CONTRACT.bindings}


@pytest.mark.parametrize("name", BINDINGS)
def test_every_rule_is_told(name: str) -> None:
    binding = BINDINGS[name]
    lacking = [text for field, schema, _ in places(binding) for text in of_field(field, schema, field.name)]
    assert lacking == []


@pytest.mark.parametrize("name", BINDINGS)
def test_what_the_kernel_misses_is_required(name: str) -> None:
    binding = BINDINGS[name]
    absent = refused_when_absent(binding)
    marked = {field.name for field, _, required in places(binding) if required}
    if binding.body not in ("", "*") and binding.verb != "PATCH":
        marked |= {f"{binding.body}.{field}" for field in body_schema(binding).get("required", ())}
    expected = absent | ({binding.body} - {"", "*"})
    assert expected == marked


def test_every_method_with_a_route_is_there() -> None:
    with_routes = {method.path for method in CONTRACT.methods.values()}
    told = {f"{one['tags'][0]}_{one['operationId'].partition('_')[2]}" for one in _operations()}
    assert len(with_routes) == len(CONTRACT.bindings)
    for path in with_routes:
        service, _, method = path.rpartition("/")
        assert f"{service.rpartition('.')[2].removesuffix('Service')}_{method}" in told


def _operations() -> Iterator[Schema]:
    for item in SPEC["paths"].values():
        yield from (operation for verb, operation in item.items() if verb != "parameters")

"""The OpenAPI 3.1 document of everything under HTTP."""

import json
from importlib import metadata

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from services.gateway.access import PUBLIC_METHODS
from services.gateway.contract.contract import HTTP_BODY, Binding, Contract
from services.gateway.http.openapi.constraints import Schema, must_be_given
from services.gateway.http.openapi.fixed import ERROR_RESPONSE, ERROR_SCHEMA, FIXED_PATHS, FIXED_TAGS
from services.gateway.http.openapi.schemas import Schemas

DESCRIPTION = """\
Data sets, fair scheduling, training, evaluation and serving. The same operations are offered over gRPC.

Errors are `google.rpc.Status` in JSON. `Idempotency-Key` makes a repeated command do its work once (24 h);
`If-Match` with an `ETag` refuses what was prepared for an older state. 64-bit numbers are strings in answers and may be
numbers in requests; enums may be given in short (`public` for `VISIBILITY_PUBLIC`). Streams are server-sent events.
"""


def openapi_json(contract: Contract) -> bytes:
    return json.dumps(document(contract), ensure_ascii=False).encode()


def document(contract: Contract) -> Schema:
    schemas = Schemas(contract.files, contract.comments)
    paths: dict[str, Schema] = {}
    for binding in contract.bindings:
        operations = paths.setdefault(binding.template.openapi, {})
        operations[binding.verb.lower()] = _operation(binding, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "modelyard", "version": _version(), "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [*_tags(contract), *FIXED_TAGS],
        "paths": paths | FIXED_PATHS,
        "components": {
            "schemas": dict(sorted(schemas.components.items())) | {"Error": ERROR_SCHEMA},
            "responses": {"Error": ERROR_RESPONSE},
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"session": []}],
    }


def _version() -> str:
    try:
        return metadata.version("modelyard")
    except metadata.PackageNotFoundError:
        return "0"


def _tag(service: str) -> str:
    return service.rpartition(".")[2].removesuffix("Service")


def _tags(contract: Contract) -> list[Schema]:
    return [{"name": _tag(name), "description": contract.comments.get(name, "")} for name in contract.services]


def _operation(binding: Binding, schemas: Schemas) -> Schema:
    method = binding.method
    summary, _, rest = method.comment.partition(". ")
    operation: Schema = {
        "operationId": f"{_tag(method.service)}_{method.name}",
        "tags": [_tag(method.service)],
        "summary": summary.removesuffix(".").replace("\n", " "),
        "parameters": _parameters(binding, schemas),
        "responses": {"200": _success(binding, schemas), "default": {"$ref": "#/components/responses/Error"}},
    }
    if rest:
        operation["description"] = method.comment
    if binding.body:
        operation["requestBody"] = _request_body(binding, schemas)
    if method.path in PUBLIC_METHODS:
        operation["security"] = []
    return operation


def _request_body(binding: Binding, schemas: Schemas) -> Schema:
    name = binding.method.request.full_name
    fields = schemas.fields(name)
    if binding.body == "*":
        in_path = {variable.partition(".")[0] for variable in binding.template.variables}
        schema = schemas.object(name, [field for field in fields if field.name not in in_path])
        return {"required": "required" in schema, "content": {"application/json": {"schema": schema}}}
    field = next(one for one in fields if one.name == binding.body)
    schema = schemas.field(name, field)
    if binding.verb == "PATCH":
        resource = schemas.message_of(field)
        schema = schemas.object(resource, schemas.fields(resource), partial=True)
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _parameters(binding: Binding, schemas: Schemas) -> list[Schema]:
    request = binding.method.request.full_name
    found = [_path_parameter(name, request, schemas) for name in binding.template.variables]
    in_path = {name.partition(".")[0] for name in binding.template.variables}
    fields = [field for field in schemas.fields(request) if field.name not in in_path | {binding.body}]
    if binding.body != "*":
        for field in fields:
            found += _query_parameters(request, field, schemas)
    if any(field.name == "request_id" for field in schemas.fields(request)):
        found.append(_header("Idempotency-Key", "Repeating a request with the same key does its work once (24 h)."))
    if any(field.name == "etag" for field in schemas.fields(request)):
        found.append(_header("If-Match", "Only if the ETag is still this one."))
    return found


def _path_parameter(name: str, request: str, schemas: Schemas) -> Schema:
    field = next((one for one in schemas.fields(request) if one.name == name), None)
    schema = schemas.field(request, field) if field is not None else {"type": "string"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(message: str, field: FieldDescriptorProto, schemas: Schemas, prefix: str = "") -> list[Schema]:
    name = f"{prefix}{field.name}"
    if schemas.is_parameter(field):
        schema = schemas.field(message, field)
        parameter: Schema = {"name": name, "in": "query", "schema": schema}
        if must_be_given(field):
            parameter["required"] = True
        if description := schema.get("description"):
            parameter["description"] = description
        return [parameter]
    if field.label == FieldDescriptorProto.LABEL_REPEATED or prefix.count(".") > 1:
        return []
    inner = schemas.message_of(field)
    nested = [_query_parameters(inner, one, schemas, f"{name}.") for one in schemas.fields(inner)]
    return [parameter for group in nested for parameter in group]


def _header(name: str, description: str) -> Schema:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


def _success(binding: Binding, schemas: Schemas) -> Schema:
    method = binding.method
    if method.response.full_name == HTTP_BODY:
        return {"description": "The content.", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
    schema = schemas.reference(method.response.full_name)
    if method.streams:
        text = "Server-sent events: `data` holds one message in JSON. The last event is `end` or `error`."
        content: Schema = {"schema": {"type": "string"}, "x-event-schema": schema}
        return {"description": text, "content": {"text/event-stream": content}}
    return {"description": "Done.", "content": {"application/json": {"schema": schema}}}

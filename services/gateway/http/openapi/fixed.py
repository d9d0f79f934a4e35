"""The parts of the document that no proto describes: uploads, inference, health."""

from collections.abc import Mapping, Sequence

from services.gateway.http.openapi.constraints import Schema

ERROR_SCHEMA: Schema = {
    "type": "object",
    "description": "google.rpc.Status in JSON.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "status", "message", "details"],
            "properties": {
                "code": {"type": "integer", "description": "The HTTP status code."},
                "status": {"type": "string", "description": "Name of the google.rpc.Code, for example `NOT_FOUND`."},
                "message": {"type": "string", "description": "What happened and what was expected."},
                "details": {
                    "type": "array",
                    "description": "google.rpc.ErrorInfo with the `reason`, google.rpc.BadRequest with the fields.",
                    "items": {
                        "type": "object",
                        "required": ["@type"],
                        "properties": {"@type": {"type": "string"}},
                    },
                },
            },
        }
    },
}
ERROR_RESPONSE: Schema = {
    "description": "The request failed.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
FIXED_TAGS: list[Schema] = [
    {"name": "Upload", "description": "Resumable uploads by tus 1.0.0, see https://tus.io."},
    {"name": "Inference", "description": "The Open Inference Protocol; the model name is the id of a service."},
    {"name": "Health", "description": "Whether the platform works."},
]

_ERROR: Schema = {"$ref": "#/components/responses/Error"}
_TUS = "Tus-Resumable"


def _header(name: str, description: str, *, required: bool = False) -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string"},
    }


def _path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _operation(
    tag: str,
    name: str,
    summary: str,
    success: tuple[str, str],
    *,
    answer: Schema | None = None,
    told: Sequence[str] = (),
    others: Mapping[str, Schema] | None = None,
    **extra: object,
) -> Schema:
    """`answer` is the schema of the JSON that comes back, `told` are headers of a success, `others` further answers."""
    code, description = success
    response: Schema = {"description": description}
    if answer is not None:
        response["content"] = {"application/json": {"schema": answer}}
    if told:
        response["headers"] = {header: {"required": True, "schema": {"type": "string"}} for header in told}
    return {
        "operationId": f"{tag}_{name}",
        "tags": [tag],
        "summary": summary,
        "responses": {code: response, **(others or {}), "default": _ERROR},
        **extra,
    }


def _object(**properties: Schema) -> Schema:
    """An object that always has these properties, and may have others."""
    return {"type": "object", "required": list(properties), "properties": properties}


def _list_of(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _body(media_type: str) -> Schema:
    schema: Schema = {} if media_type == "application/json" else {"type": "string", "format": "binary"}
    return {"required": True, "content": {media_type: {"schema": schema}}}


_VERSION = _header(_TUS, "`1.0.0`", required=True)
_OFFSET = "application/offset+octet-stream"
_CHECKSUM = _header("Upload-Checksum", "`sha256 <base64>` of the body, which may then have at most 16 MiB.")
_HEADERS = (_TUS, "Upload-Offset", "Upload-Expires")

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "string", "pattern": "^[0-9]+$"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_UPLOAD = _object(
    id=_TEXT,
    filename=_TEXT,
    size=_COUNT,
    offset=_COUNT,
    finished={"type": "boolean"},
    created_at=_TIME,
    expires_at=_TIME,
)
_TENSOR = _object(name=_TEXT, datatype=_TEXT, shape=_list_of({"type": "integer"}))
_METADATA = _object(name=_TEXT, platform=_TEXT, inputs=_list_of(_TENSOR), outputs=_list_of(_TENSOR))
_OF_THE_MODEL: Schema = {
    "description": "The request failed; what the inference server itself says is a text.",
    "content": {
        "application/json": {
            "schema": {"anyOf": [{"$ref": "#/components/schemas/Error"}, _object(error={"type": "string"})]}
        }
    },
}
_READINESS = _object(
    ready={"type": "boolean"}, parts={"type": "object", "additionalProperties": _object(ready={"type": "boolean"})}
)
_NOT_READY: Schema = {
    "description": "A part does not answer.",
    "content": {"application/json": {"schema": _READINESS}},
}


def _model_paths(base: str, suffix: str, variables: Sequence[str]) -> dict[str, Schema]:
    """The routes of one model; `suffix` keeps the names of the operations apart."""
    parameters = [_path(name) for name in variables]
    return {
        f"{base}/infer": {
            "parameters": parameters,
            "post": _operation(
                "Inference",
                f"Infer{suffix}",
                "Ask the model, with tensors in JSON or binary",
                ("200", "The outputs."),
                parameters=[_header("Inference-Header-Content-Length", "Length of the JSON before binary tensors.")],
                requestBody=_body("application/json"),
                others={"400": _OF_THE_MODEL, "500": _OF_THE_MODEL},
            ),
        },
        f"{base}/ready": {
            "parameters": parameters,
            "get": _operation("Inference", f"Ready{suffix}", "Whether the model answers", ("200", "It does.")),
        },
        base: {
            "parameters": parameters,
            "get": _operation(
                "Inference",
                f"Metadata{suffix}",
                "Inputs and outputs of the model",
                ("200", "The metadata."),
                answer=_METADATA,
            ),
        },
    }


FIXED_PATHS: dict[str, Schema] = {
    "/api/v1/uploads": {
        "post": _operation(
            "Upload",
            "Create",
            "Begin an upload; with a body of `application/offset+octet-stream` its first bytes too",
            ("201", "Begun; `Location` is its address, whose last part is the upload id."),
            told=("Location", *_HEADERS),
            parameters=[
                _VERSION,
                _header("Upload-Length", "Size in bytes.", required=True),
                _header("Upload-Metadata", "`filename <base64>`"),
            ],
        ),
        "options": _operation("Upload", "Options", "What is supported", ("204", "In the headers."), security=[]),
    },
    "/api/v1/uploads/{id}": {
        "parameters": [_path("id")],
        "head": _operation(
            "Upload",
            "Offset",
            "Where to go on",
            ("200", "`Upload-Offset` bytes are stored."),
            told=("Upload-Length", *_HEADERS),
            parameters=[_VERSION],
        ),
        "get": _operation("Upload", "Get", "The state as JSON", ("200", "How far it is."), answer=_UPLOAD),
        "patch": _operation(
            "Upload",
            "Append",
            "Go on from an offset. What came of a broken request is kept",
            ("204", "Stored up to `Upload-Offset`."),
            told=_HEADERS,
            parameters=[_VERSION, _header("Upload-Offset", "Where the body begins.", required=True), _CHECKSUM],
            requestBody=_body(_OFFSET),
        ),
        "delete": _operation("Upload", "Delete", "Give an upload up", ("204", "Removed."), parameters=[_VERSION]),
    },
    **_model_paths("/v2/models/{service}", "", ["service"]),
    **_model_paths("/v2/models/{service}/versions/{version}", "OfVersion", ["service", "version"]),
    "/v2/health/live": {
        "get": _operation("Inference", "Live", "The inference server lives", ("200", "It does."), security=[])
    },
    "/v2/health/ready": {
        "get": _operation("Inference", "ServerReady", "The inference server works", ("200", "It does."), security=[])
    },
    "/healthz": {
        "get": _operation(
            "Health",
            "Alive",
            "This process lives",
            ("200", "It does."),
            answer=_object(alive={"const": True}),
            security=[],
        )
    },
    "/readyz": {
        "get": _operation(
            "Health",
            "Ready",
            "Every part answers",
            ("200", "All do."),
            answer=_READINESS,
            others={"503": _NOT_READY},
            security=[],
        )
    },
}

"""The one table from statuses to HTTP, and errors as JSON.

Codes are those of google.rpc.Code's documentation: FAILED_PRECONDITION is 400, ABORTED and ALREADY_EXISTS are 409.
"""

import base64
import json

from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2
from starlette.responses import Response

from services.gateway.forwarding.calls import CallFailed
from services.kernel.errors import DomainError
from services.kernel.grpc.status import to_status
from services.kernel.storage.outage import database_away

HTTP_CODES: dict[int, int] = {
    code_pb2.CANCELLED: 499,
    code_pb2.UNKNOWN: 500,
    code_pb2.INVALID_ARGUMENT: 400,
    code_pb2.DEADLINE_EXCEEDED: 504,
    code_pb2.NOT_FOUND: 404,
    code_pb2.ALREADY_EXISTS: 409,
    code_pb2.PERMISSION_DENIED: 403,
    code_pb2.UNAUTHENTICATED: 401,
    code_pb2.RESOURCE_EXHAUSTED: 429,
    code_pb2.FAILED_PRECONDITION: 400,
    code_pb2.ABORTED: 409,
    code_pb2.OUT_OF_RANGE: 400,
    code_pb2.UNIMPLEMENTED: 501,
    code_pb2.INTERNAL: 500,
    code_pb2.UNAVAILABLE: 503,
    code_pb2.DATA_LOSS: 500,
}
RETRY_AFTER_KEY = "retry_after_s"
"""Metadata of an error that says after how many seconds to repeat; becomes the header Retry-After."""


class HttpError(Exception):
    """An answer that only HTTP knows: 404 of a route, 405, 411, 413, 415, 423 …"""

    def __init__(self, code: int, error: DomainError, headers: dict[str, str] | None = None) -> None:
        super().__init__(error.message)
        self.code = code
        self.error = error
        self.headers = headers or {}


def status_json(status: status_pb2.Status, http_code: int) -> str:
    body = {
        "error": {
            "code": http_code,
            "status": code_pb2.Code.Name(status.code) if status.code in HTTP_CODES else "UNKNOWN",
            "message": status.message,
            "details": [_detail(detail) for detail in status.details],
        }
    }
    return json.dumps(body, ensure_ascii=False)


def _detail(detail: AnyMessage) -> dict[str, object]:
    name = detail.TypeName()
    try:
        descriptor = descriptor_pool.Default().FindMessageTypeByName(name)
        message = message_factory.GetMessageClass(descriptor).FromString(detail.value)
        fields = json_format.MessageToDict(message, preserving_proto_field_name=True)
    except (KeyError, json_format.Error, ValueError):
        # A detail of a type that is not compiled in is passed on as it came.
        fields = {"value": base64.b64encode(detail.value).decode()}
    return {"@type": detail.type_url, **fields}


def status_response(
    status: status_pb2.Status, http_code: int | None = None, headers: dict[str, str] | None = None
) -> Response:
    code = http_code or HTTP_CODES.get(status.code, 500)
    extra = dict(headers or {})
    if code == 401:
        extra["WWW-Authenticate"] = 'Bearer realm="modelyard"'
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo.FromString(detail.value)
            if RETRY_AFTER_KEY in info.metadata:
                extra.setdefault("Retry-After", info.metadata[RETRY_AFTER_KEY])
    if code == 503:
        extra.setdefault("Retry-After", "1")
    return Response(status_json(status, code), code, extra, media_type="application/json")


def error_response(error: Exception) -> Response | None:
    """The answer to an error that is meant for the caller, or None for any other."""
    if isinstance(error, HttpError):
        return status_response(to_status(error.error), error.code, error.headers)
    if isinstance(error, DomainError):
        return status_response(to_status(error))
    if isinstance(error, CallFailed):
        return status_response(error.status)
    away = database_away(error)
    return status_response(to_status(away)) if away else None

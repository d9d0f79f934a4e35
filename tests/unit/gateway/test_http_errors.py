import json

import pytest
from google.protobuf import any_pb2
from google.rpc import code_pb2, status_pb2
from pymongo.errors import NetworkTimeout

from services.gateway.http.errors import HTTP_CODES, HttpError, error_response
from services.kernel import errors
from services.kernel.errors import DomainError
from services.kernel.grpc.status import CODES


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (errors.InvalidArgument("x"), 400, "INVALID_ARGUMENT"),
        (errors.NotFound("x"), 404, "NOT_FOUND"),
        (errors.AlreadyExists("x"), 409, "ALREADY_EXISTS"),
        (errors.Conflict("x"), 409, "ABORTED"),
        (errors.FailedPrecondition("x"), 400, "FAILED_PRECONDITION"),
        (errors.PermissionDenied("x"), 403, "PERMISSION_DENIED"),
        (errors.Unauthenticated("x"), 401, "UNAUTHENTICATED"),
        (errors.ResourceExhausted("x"), 429, "RESOURCE_EXHAUSTED"),
        (errors.DeadlineExceeded("x"), 504, "DEADLINE_EXCEEDED"),
        (errors.Unavailable("x"), 503, "UNAVAILABLE"),
        (errors.Internal("x"), 500, "INTERNAL"),
    ],
)
def test_codes(error: DomainError, code: int, status: str) -> None:
    response = error_response(error)
    assert response is not None
    assert response.status_code == code
    assert json.loads(bytes(response.body))["error"]["status"] == status


def test_a_database_that_is_away_may_be_asked_again() -> None:
    response = error_response(NetworkTimeout("timed out"))
    assert response is not None
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


def test_every_code_is_mapped() -> None:
    assert set(CODES.values()) <= set(HTTP_CODES)
    assert set(code_pb2.Code.values()) - {code_pb2.OK} == set(HTTP_CODES)


def test_retry_after() -> None:
    response = error_response(errors.ResourceExhausted("x", metadata={"retry_after_s": "7"}))
    assert response is not None
    assert response.headers["retry-after"] == "7"


def test_http_errors_have_their_own_code_and_headers() -> None:
    response = error_response(HttpError(423, errors.Conflict("x", reason="UPLOAD_LOCKED"), {"Retry-After": "1"}))
    assert response is not None
    assert (response.status_code, response.headers["retry-after"]) == (423, "1")


def test_details_of_unknown_types_are_passed_on() -> None:
    from services.gateway.forwarding.calls import CallFailed

    detail = any_pb2.Any(type_url="type.googleapis.com/other.Thing", value=b"\x01\x02")
    response = error_response(CallFailed(status_pb2.Status(code=5, message="x", details=[detail])))
    assert response is not None
    assert json.loads(bytes(response.body))["error"]["details"] == [
        {"@type": "type.googleapis.com/other.Thing", "value": "AQI="}
    ]


def test_other_errors_are_not_told() -> None:
    assert error_response(ValueError("secret")) is None

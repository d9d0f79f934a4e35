"""The one table between errors and gRPC statuses, both ways."""

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from services.kernel import errors
from services.kernel.errors import DomainError, FieldViolation

DOMAIN = "modelyard"
DETAILS_KEY = "grpc-status-details-bin"
MAX_MESSAGE, MAX_DESCRIPTION, MAX_VIOLATIONS_BYTES = 1000, 300, 2000  # bytes

CODES: dict[type[DomainError], int] = {
    errors.InvalidArgument: code_pb2.INVALID_ARGUMENT,
    errors.NotFound: code_pb2.NOT_FOUND,
    errors.AlreadyExists: code_pb2.ALREADY_EXISTS,
    errors.Conflict: code_pb2.ABORTED,
    errors.FailedPrecondition: code_pb2.FAILED_PRECONDITION,
    errors.PermissionDenied: code_pb2.PERMISSION_DENIED,
    errors.Unauthenticated: code_pb2.UNAUTHENTICATED,
    errors.ResourceExhausted: code_pb2.RESOURCE_EXHAUSTED,
    errors.DeadlineExceeded: code_pb2.DEADLINE_EXCEEDED,
    errors.Unavailable: code_pb2.UNAVAILABLE,
    errors.Internal: code_pb2.INTERNAL,
}
_CLASSES = {code: cls for cls, code in CODES.items()}
GRPC_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def code_name(error: DomainError) -> str:
    """The name of the error's gRPC code, for example `NOT_FOUND`."""
    return str(code_pb2.Code.Name(_code_of(error)))


def _code_of(error: DomainError) -> int:
    return next((CODES[cls] for cls in type(error).__mro__ if cls in CODES), code_pb2.INTERNAL)


def to_status(error: DomainError) -> status_pb2.Status:
    """The error with its details, shortened to what fits into the trailers of a call (a client takes 8 KiB)."""
    status = status_pb2.Status(code=_code_of(error), message=short(error.message))
    metadata = {short(key, MAX_DESCRIPTION): short(value, MAX_DESCRIPTION) for key, value in error.metadata.items()}
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)
    status.details.append(_packed(info))
    bad = error_details_pb2.BadRequest()
    room = MAX_VIOLATIONS_BYTES
    for violation in error.violations:
        told = bad.FieldViolation(
            field=short(violation.field, MAX_DESCRIPTION), description=short(violation.description, MAX_DESCRIPTION)
        )
        room -= told.ByteSize()
        if room < 0:
            break
        bad.field_violations.append(told)
    if bad.field_violations:
        status.details.append(_packed(bad))
    return status


def short(text: str, limit: int = MAX_MESSAGE) -> str:
    """At most `limit` bytes of UTF-8; what cannot be encoded becomes a question mark."""
    content = text.encode("utf-8", "replace")
    if len(content) <= limit:
        return content.decode()
    return content[: limit - len("…".encode())].decode("utf-8", "ignore") + "…"


def _packed(message: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def from_status(status: status_pb2.Status) -> DomainError:
    reason, metadata, violations = "", {}, []
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo.FromString(detail.value)
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad = error_details_pb2.BadRequest.FromString(detail.value)
            violations = [FieldViolation(v.field, v.description) for v in bad.field_violations]
    cls = _CLASSES.get(status.code, errors.Internal)
    return cls(status.message, reason=reason, violations=violations, metadata=metadata)


def from_rpc_error(error: grpc.RpcError) -> DomainError:
    """The error that the other side raised, or what the transport says."""
    trailers: list[tuple[str, str | bytes]] = [*(error.trailing_metadata() or ())]  # type: ignore[list-item]
    details = next((value for key, value in trailers if key == DETAILS_KEY), None)
    if isinstance(details, bytes):
        return from_status(status_pb2.Status.FromString(details))
    return from_status(status_pb2.Status(code=error.code().value[0], message=error.details() or ""))

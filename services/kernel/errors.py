"""The errors that users see. Each edge (gRPC, HTTP) maps them once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldViolation:
    """What is wrong with one field of a request; `field` is its path in the proto, for example `dataset.name`."""

    field: str
    description: str


class DomainError(Exception):
    """Base of everything that is told to the caller.

    `message` is one sentence that says what was expected; `reason` a stable UPPER_SNAKE code for programs.
    """

    reason = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        violations: Sequence[FieldViolation] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or type(self).reason
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})


class InvalidArgument(DomainError):
    reason = "INVALID_ARGUMENT"

    @classmethod
    def field(cls, name: str, description: str, *, reason: str = "") -> "InvalidArgument":
        return cls(f"{name}: {description}", reason=reason, violations=[FieldViolation(name, description)])


class NotFound(DomainError):
    reason = "NOT_FOUND"


class AlreadyExists(DomainError):
    reason = "ALREADY_EXISTS"


class Conflict(DomainError):
    """Somebody else changed it first (gRPC ABORTED, HTTP 409): read again and repeat."""

    reason = "CONFLICT"


class FailedPrecondition(DomainError):
    """The thing is not in a state in which this can be done."""

    reason = "FAILED_PRECONDITION"


class PermissionDenied(DomainError):
    reason = "PERMISSION_DENIED"


class Unauthenticated(DomainError):
    reason = "UNAUTHENTICATED"


class ResourceExhausted(DomainError):
    reason = "RESOURCE_EXHAUSTED"


class DeadlineExceeded(DomainError):
    reason = "DEADLINE_EXCEEDED"


class Unavailable(DomainError):
    """A server that is needed does not answer now; the caller may repeat."""

    reason = "UNAVAILABLE"


class Internal(DomainError):
    reason = "INTERNAL"

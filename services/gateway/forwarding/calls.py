"""What a call to a service is, wherever the service runs."""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Protocol

from google.rpc import code_pb2, status_pb2

from services.gateway.contract.contract import Method
from services.kernel.context import NOBODY, Caller
from services.kernel.errors import DomainError
from services.kernel.grpc.status import from_status, to_status


@dataclass(frozen=True)
class Call:
    """Who calls from where, and until when.

    `session` is the id of the session that authenticated the call, `deadline` a value of `time.monotonic()`.
    """

    caller: Caller = NOBODY
    session: str = ""
    address: str = ""
    traceparent: str = ""
    deadline: float | None = field(default=None)

    @property
    def time_left(self) -> float | None:
        """Seconds, at least a millisecond."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.001)


class CallFailed(Exception):
    """The service answered with an error, which is handed on unchanged."""

    def __init__(self, status: status_pb2.Status) -> None:
        super().__init__(status.message)
        self.status = status

    @classmethod
    def of(cls, error: DomainError) -> "CallFailed":
        return cls(to_status(error))

    @property
    def as_domain_error(self) -> DomainError:
        return from_status(self.status)

    @property
    def code_name(self) -> str:
        return str(code_pb2.Code.Name(self.status.code))


class Backend(Protocol):
    """A service as bytes in, bytes out. Both methods raise CallFailed; cancelling them cancels the call."""

    async def unary(self, method: Method, request: bytes, call: Call) -> bytes: ...

    def stream(self, method: Method, request: bytes, call: Call) -> AsyncGenerator[bytes, None]:
        """Close the iterator (`aclose`) to end the call early."""


class Backends:
    """Backends by the name of the service that stands behind them."""

    def __init__(self, backends: dict[str, Backend]) -> None:
        self._backends = backends

    def of(self, method: Method) -> Backend:
        backend = self._backends.get(method.upstream)
        if backend is None:
            raise CallFailed(
                status_pb2.Status(code=code_pb2.UNIMPLEMENTED, message=f"{method.service} is not served here.")
            )
        return backend

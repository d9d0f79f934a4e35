"""What Triton's errors mean where its code says something else."""

import re

import grpc

from services.gateway.forwarding.calls import CallFailed
from services.gateway.forwarding.remote import failure_of

_UNPARSED = re.compile(r"[Uu]nable to parse|[Ff]ailed to parse the request|attempt to access|invalid content length")
_DIED = re.compile(r"Stub process .* is not healthy|[Ff]ailed to send.*stub")


def real_code(told: grpc.StatusCode, message: str) -> grpc.StatusCode:
    """INVALID_ARGUMENT for what it could not parse, UNAVAILABLE when an instance died; else what it says itself."""
    if told is grpc.StatusCode.INTERNAL and _UNPARSED.search(message):
        return grpc.StatusCode.INVALID_ARGUMENT
    if told in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN) and _DIED.search(message):
        return grpc.StatusCode.UNAVAILABLE
    return told


def failure_of_triton(error: grpc.aio.AioRpcError) -> CallFailed:
    """The error with its real code."""
    failure = failure_of(error)
    failure.status.code = real_code(error.code(), failure.status.message).value[0]
    return failure

"""What Triton's errors mean where its code says something else."""

import re

import grpc

_UNPARSED = re.compile(r"[Uu]nable to parse|[Ff]ailed to parse the request|attempt to access|invalid content length")
_DIED = re.compile(r"Stub process .* is not healthy|[Ff]ailed to send.*stub")


def real_code(told: grpc.StatusCode, message: str) -> grpc.StatusCode:
    """INVALID_ARGUMENT for what it could not parse, UNAVAILABLE when an instance died; else what it says itself."""
    if told is grpc.StatusCode.INTERNAL and _UNPARSED.search(message):
        return grpc.StatusCode.INVALID_ARGUMENT
    if told in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN) and _DIED.search(message):
        return grpc.StatusCode.UNAVAILABLE
    return told

"""Who is calling and which trace this belongs to, carried by context variables."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple


@dataclass(frozen=True)
class Caller:
    """The person, platform or service on whose behalf the code runs."""

    user_id: str
    user_name: str = ""
    roles: frozenset[str] = frozenset()
    project: str = "default"

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles

    @property
    def is_service(self) -> bool:
        return "service" in self.roles


NOBODY = Caller(user_id="")

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)
_SAMPLED = 1

_caller: ContextVar[Caller] = ContextVar("caller", default=NOBODY)
_traceparent: ContextVar[str] = ContextVar("traceparent", default="")


def service_caller(service: str) -> Caller:
    return Caller(user_id=f"service:{service}", user_name=service, roles=frozenset({"service"}))


def current_caller() -> Caller:
    return _caller.get()


@contextmanager
def acting_as(caller: Caller) -> Iterator[Caller]:
    token = _caller.set(caller)
    try:
        yield caller
    finally:
        _caller.reset(token)


class TraceContext(NamedTuple):
    """A W3C `traceparent`, taken apart: ids in lower-case hexadecimal."""

    trace_id: str
    span_id: str
    flags: str

    @classmethod
    def parse(cls, traceparent: str) -> "TraceContext | None":
        """None when it is empty or malformed."""
        found = _TRACEPARENT.fullmatch(traceparent)
        return cls(found[1], found[2], found[3]) if found else None

    @property
    def sampled(self) -> bool:
        return bool(int(self.flags, 16) & _SAMPLED)

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def current_traceparent() -> str:
    """The W3C `traceparent` of the running operation, or an empty string."""
    return _traceparent.get()


def current_trace_id() -> str:
    """The trace id of the running operation, or an empty string."""
    return _traceparent.get()[3:35]


def new_traceparent() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def derived_traceparent(traceparent: str, key: str) -> str:
    """The same trace with the span id that belongs to `key`; empty when `traceparent` is empty or malformed.

    Who knows the key can make the span of this id at any time, also in another process or a second time.
    """
    parent = TraceContext.parse(traceparent)
    return f"00-{parent.trace_id}-{sha256(key.encode()).hexdigest()[:16]}-{parent.flags}" if parent else ""


@contextmanager
def within_trace(traceparent: str) -> Iterator[None]:
    """Work under exactly this `traceparent`, which may be empty."""
    token = _traceparent.set(traceparent)
    try:
        yield
    finally:
        _traceparent.reset(token)


@contextmanager
def with_trace(traceparent: str) -> Iterator[str]:
    """Continue the trace `traceparent` with a new span id, or begin one when it is empty or malformed."""
    found = TraceContext.parse(traceparent)
    continued = f"00-{found.trace_id}-{secrets.token_hex(8)}-{found.flags}" if found else new_traceparent()
    with within_trace(continued):
        yield continued


@contextmanager
def untraced(traceparent: str = "") -> Iterator[None]:
    """Work that makes no spans, here and in what it calls; its log lines still carry the id of a trace.

    For what is repeated for as long as a process lives: one trace of all passes would have no end.
    """
    found = TraceContext.parse(traceparent or new_traceparent())
    with within_trace(f"00-{found.trace_id}-{found.span_id}-00" if found else ""):
        yield

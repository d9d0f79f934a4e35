"""Who is calling and which trace this belongs to, carried by context variables."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


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

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")

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


def current_traceparent() -> str:
    """The W3C `traceparent` of the running operation, or an empty string."""
    return _traceparent.get()


def new_traceparent() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


@contextmanager
def with_trace(traceparent: str) -> Iterator[str]:
    """Continue the trace `traceparent` with a new span id, or begin one when it is empty or malformed."""
    found = _TRACEPARENT.fullmatch(traceparent)
    continued = f"00-{found[1]}-{secrets.token_hex(8)}-{found[2]}" if found else new_traceparent()
    token = _traceparent.set(continued)
    try:
        yield continued
    finally:
        _traceparent.reset(token)

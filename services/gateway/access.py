"""Who may come in: the token, and how often. The same for HTTP and gRPC."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from services.gateway.buckets import TokenBuckets
from services.gateway.forwarding.calls import Call
from services.gateway.identity import handlers
from services.gateway.identity.handlers import Identity, session_id_of
from services.kernel.context import NOBODY, Caller
from services.kernel.errors import ResourceExhausted, Unauthenticated

PUBLIC_METHODS = frozenset({"/modelyard.identity.v1.IdentityService/CreateSession"})
"""Methods that need no token."""
INFERENCE_METHODS = frozenset({"/modelyard.serving.v1.ServingService/Predict"})
"""Beside the Open Inference Protocol: machines ask, many times as often as people click."""

STREAMS, UPLOADS = 64, 8
CACHED_S = 5.0
_CACHE_SIZE = 10_000
_LONGEST_TOKEN = 512


@dataclass(frozen=True)
class _Known:
    caller: Caller
    until: float


class Authenticator:
    """Tokens to callers. What the database said holds for CACHED_S; signing out here holds at once."""

    def __init__(self, identity: Identity, pool: ThreadPoolExecutor) -> None:
        self._identity = identity
        self._pool = pool
        self._known: dict[str, _Known] = {}

    def cached(self, token: str) -> Caller | None:
        known = self._known.get(session_id_of(token))
        return known.caller if known and known.until > time.monotonic() else None

    async def authenticate(self, token: str) -> Caller:
        if (caller := self.cached(token)) is not None:
            return caller
        loop = asyncio.get_running_loop()
        found, session = await loop.run_in_executor(self._pool, handlers.authenticate, self._identity, token)
        if len(self._known) >= _CACHE_SIZE:
            self._known.clear()
        self._known[session.id] = _Known(found, time.monotonic() + CACHED_S)
        return found

    def forget(self, session_id: str) -> None:
        self._known.pop(session_id, None)


class OpenStreams:
    """At most `limit` at the same time for each caller, so that nobody takes all connections."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: Counter[str] = Counter()

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Counts as one until the end of the block. Raises ResourceExhausted (TOO_MANY_STREAMS)."""
        if self._open[key] >= self._limit:
            raise ResourceExhausted(
                f"At most {self._limit} of these may be open at once; close one first.",
                reason="TOO_MANY_STREAMS",
                metadata={"limit": str(self._limit)},
            )
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


class Access:
    """Admits requests: rate limit by address for who is unknown, by user for who is known, another one for inference.

    `streams` and `uploads` are held, by user id, while a stream is open or the body of an upload comes in.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        buckets: TokenBuckets,
        *,
        inference: TokenBuckets | None = None,
        streams: OpenStreams | None = None,
        uploads: OpenStreams | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._buckets = buckets
        self._inference = buckets if inference is None else inference  # one without entries is false
        self.streams = streams or OpenStreams(STREAMS)
        self.uploads = uploads or OpenStreams(UPLOADS)

    async def admit(
        self,
        authorization: str,
        *,
        address: str,
        traceparent: str,
        public: bool = False,
        inference: bool = False,
        time_s: float | None = None,
    ) -> Call:
        """The call's identity. Raises Unauthenticated, ResourceExhausted; `time_s` becomes its deadline."""
        deadline = None if time_s is None else time.monotonic() + time_s
        token = _bearer(authorization)
        if not token:
            self._count(f"address:{address}", self._buckets)
            if not public:
                raise Unauthenticated(
                    "Sign in first: the header `Authorization: Bearer <token>` is missing.", reason="TOKEN_MISSING"
                )
            return Call(NOBODY, "", address, traceparent, deadline)
        if self._authenticator.cached(token) is None:
            self._count(f"address:{address}", self._buckets)
        if public:
            return Call(NOBODY, "", address, traceparent, deadline)
        caller = await self._authenticator.authenticate(token)
        self._count(f"user:{caller.user_id}", self._inference if inference else self._buckets)
        return Call(caller, session_id_of(token), address, traceparent, deadline)

    def _count(self, key: str, buckets: TokenBuckets) -> None:
        wait = buckets.take(key)
        if wait:
            raise ResourceExhausted(
                "Too many requests; slow down.",
                reason="RATE_LIMITED",
                metadata={"retry_after_s": str(math.ceil(wait))},
            )


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.strip().partition(" ")
    if not authorization.strip():
        return ""
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN:
        raise Unauthenticated("The header Authorization must be `Bearer <token>`.", reason="TOKEN_MALFORMED")
    return token

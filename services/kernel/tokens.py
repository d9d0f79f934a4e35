"""The short-lived signed token that carries the caller from the gateway to the services."""

import time
from functools import lru_cache

import jwt

from services.kernel.context import Caller
from services.kernel.errors import Unauthenticated

_ALGORITHM = "HS256"
_AUDIENCE = "modelyard"


_LEEWAY_S = 5
_SAME_FOR_S = 10
"""Calls of one caller carry the same token for so long, which spares signing and verifying each of them."""


def sign(caller: Caller, key: str, *, ttl_s: int = 60) -> str:
    """A token that holds for `ttl_s` seconds, or a few less."""
    now = int(time.time())
    return _signed(caller, key, ttl_s, now - now % _SAME_FOR_S)


@lru_cache(maxsize=1024)
def _signed(caller: Caller, key: str, ttl_s: int, now: int) -> str:
    claims = {
        "aud": _AUDIENCE,
        "sub": caller.user_id,
        "name": caller.user_name,
        "roles": sorted(caller.roles),
        "project": caller.project,
        "iat": now,
        "exp": now + ttl_s,
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def verify(token: str, key: str) -> Caller:
    """The caller of a token; raises `Unauthenticated` when it is forged, expired or malformed."""
    caller, expires_at = _verified(token, key)
    if expires_at + _LEEWAY_S <= time.time():
        raise Unauthenticated("The caller's token is not valid; sign in again.", reason="TOKEN_INVALID")
    return caller


@lru_cache(maxsize=1024)
def _verified(token: str, key: str) -> tuple[Caller, float]:
    """The caller, and when the token expires; only what is valid is kept."""
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            leeway=_LEEWAY_S,
            options={"require": ["sub", "exp", "aud"]},
        )
    except jwt.PyJWTError as error:
        raise Unauthenticated("The caller's token is not valid; sign in again.", reason="TOKEN_INVALID") from error
    caller = Caller(
        user_id=str(claims["sub"]),
        user_name=str(claims.get("name", "")),
        roles=frozenset(map(str, claims.get("roles", ()))),
        project=str(claims.get("project", "default")),
    )
    return caller, float(claims["exp"])

"""The short-lived signed token that carries the caller from the gateway to the services."""

import time

import jwt

from services.kernel.context import Caller
from services.kernel.errors import Unauthenticated

_ALGORITHM = "HS256"
_AUDIENCE = "modelyard"


def sign(caller: Caller, key: str, *, ttl_s: int = 60) -> str:
    now = int(time.time())
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
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            leeway=5,
            options={"require": ["sub", "exp", "aud"]},
        )
    except jwt.PyJWTError as error:
        raise Unauthenticated("The caller's token is not valid; sign in again.", reason="TOKEN_INVALID") from error
    return Caller(
        user_id=str(claims["sub"]),
        user_name=str(claims.get("name", "")),
        roles=frozenset(map(str, claims.get("roles", ()))),
        project=str(claims.get("project", "default")),
    )

"""The session as a cookie that scripts cannot read, with protection against requests that other sites make.

The token of the session is the cookie; a second cookie, which scripts can read, holds a hash of it. A request that
changes something must repeat the hash in a header, which no page of another origin can: it neither reads the cookie nor
may it send the header. `SameSite=Strict` keeps both cookies away from such requests in the first place.
"""

import hmac
from hashlib import sha256

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.kernel.errors import PermissionDenied

SESSION = "modelyard_session"
CSRF = "modelyard_csrf"
CSRF_HEADER = "x-csrf-token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_TOKEN = 512


def csrf_of(token: str) -> str:
    return sha256(f"csrf\n{token}".encode()).hexdigest()


def refuse_other_sites(headers: Headers) -> None:
    """Raises PermissionDenied (CROSS_SITE) when the browser says that another site made the request."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise PermissionDenied("This may only be asked by the console's own pages.", reason="CROSS_SITE")


def set_session(response: Response, token: str, *, lasts_s: int, secure: bool) -> None:
    for name, value, hidden in ((SESSION, token, True), (CSRF, csrf_of(token), False)):
        response.set_cookie(name, value, max_age=lasts_s, path="/", secure=secure, httponly=hidden, samesite="strict")


def clear_session(response: Response, *, secure: bool) -> None:
    for name in (SESSION, CSRF):
        response.delete_cookie(name, path="/", secure=secure, samesite="strict")


class CookieSessions:
    """Hands the cookie on as the header Authorization, so that everything behind knows only tokens."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(_authorized(scope) if scope["type"] == "http" else scope, receive, send)


def _authorized(scope: Scope) -> Scope:
    headers = Headers(scope=scope)
    if "authorization" in headers or SESSION not in headers.get("cookie", ""):
        return scope
    token = cookie_parser(headers["cookie"]).get(SESSION, "")
    if not token or len(token) > _LONGEST_TOKEN:
        return scope
    if scope["method"] not in _SAFE:
        refuse_other_sites(headers)
        if not hmac.compare_digest(headers.get(CSRF_HEADER, "").encode(), csrf_of(token).encode()):
            raise PermissionDenied(
                f"A request with the session's cookie needs the header X-CSRF-Token with the value of {CSRF}.",
                reason="CSRF_TOKEN_WRONG",
            )
    return {**scope, "headers": [*scope["headers"], (b"authorization", f"Bearer {token}".encode("latin-1", "replace"))]}

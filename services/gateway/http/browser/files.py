"""The console as `make install` built it: one page for all its addresses, and files that never change."""

import mimetypes
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from services.kernel.errors import NotFound

BUILT = Path(__file__).parents[2] / "console" / "dist"
NONCE = "__CSP_NONCE__"
_INDEX = "index.html"
_FOREVER = "public, max-age=31536000, immutable"
_NOT_BUILT = (
    "<!doctype html><title>modelyard</title><p>The console is not built here: run <code>make install</code>. "
    'The API answers all the same, see <a href="/docs">its documentation</a>.'
)


@dataclass(frozen=True)
class _File:
    content: bytes
    zipped: bytes | None
    media_type: str


class ConsoleFiles:
    """The files of `folder`, read once; `.gz` beside a file is sent to whoever takes it."""

    def __init__(self, folder: Path = BUILT) -> None:
        paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".gz" and path.name[0] != "."]
        self._files: Mapping[str, _File] = {path.relative_to(folder).as_posix(): _read(path) for path in paths}

    async def file(self, request: Request) -> Response:
        """One file below `/assets`. Its name holds a hash of its content, so that it may be kept for ever."""
        name = f"assets/{request.path_params['name']}"
        found = self._files.get(name)
        if found is None:
            raise NotFound(f"There is no file {name[:200]} in the console.", reason="ROUTE_NOT_FOUND")
        headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
        if found.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=found.media_type)
        return Response(found.content, headers=headers, media_type=found.media_type)

    async def page(self, _request: Request) -> Response:
        """The page; which of the console's pages it shows, it knows from its address."""
        index = self._files.get(_INDEX)
        if index is None:
            return Response(_NOT_BUILT, 503, media_type="text/html")
        nonce = secrets.token_urlsafe(16)
        headers = {"Content-Security-Policy": _policy(nonce), "Cache-Control": "no-store"}
        return Response(index.content.replace(NONCE.encode(), nonce.encode()), headers=headers, media_type="text/html")


def wants_page(method: str, path: str, accept: str) -> bool:
    """Whether a request that no route knows is a person's who opens or reloads one of the console's pages."""
    return method in ("GET", "HEAD") and "text/html" in accept and not path.startswith(("/api/", "/v2/", "/assets/"))


def _policy(nonce: str) -> str:
    # Styles are made while the page runs, so they need the nonce; what stands in `style` attributes is set by script.
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _read(path: Path) -> _File:
    zipped = path.with_name(f"{path.name}.gz")
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(path.read_bytes(), zipped.read_bytes() if zipped.exists() else None, media_type)

"""The documentation page and its files; nothing is loaded from elsewhere."""

from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES = {"docs.html": "text/html", "docs.js": "text/javascript", "docs.css": "text/css"}


def file(name: str) -> Response:
    """One of our static files."""
    content = resources.files("services.gateway.http").joinpath("static", name).read_bytes()
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return Response(content, headers=headers, media_type=_TYPES[name])


async def docs(_request: Request) -> Response:
    return file("docs.html")


async def docs_script(_request: Request) -> Response:
    return file("docs.js")


async def docs_style(_request: Request) -> Response:
    return file("docs.css")

"""The HTTP application: the routes of the contract, and those that the contract cannot express."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.contract.contract import Contract
from services.gateway.http import pages, tus
from services.gateway.http.browser import session
from services.gateway.http.browser.cookies import CookieSessions
from services.gateway.http.browser.files import ConsoleFiles, wants_page
from services.gateway.http.browser.session import SessionEndpoint
from services.gateway.http.edge import Edge
from services.gateway.http.errors import HttpError
from services.gateway.http.health import Readiness, alive
from services.gateway.http.inference import InferenceEndpoint
from services.gateway.http.openapi.document import openapi_json
from services.gateway.http.routing import BindingRoute, binding_routes
from services.gateway.http.transcoding import Transcoder
from services.gateway.http.tus import TusEndpoint
from services.kernel.errors import InvalidArgument, NotFound

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Parts:
    """What the routes need."""

    contract: Contract
    transcoder: Transcoder
    uploads: TusEndpoint
    inference: InferenceEndpoint
    readiness: Readiness
    session: SessionEndpoint
    console: ConsoleFiles
    header_limit: int


def build(parts: Parts) -> ASGIApp:
    document = openapi_json(parts.contract)

    async def openapi(_request: Request) -> Response:
        return Response(document, media_type="application/json")

    routes: list[BaseRoute] = [
        *_upload_routes(parts.uploads),
        *binding_routes(parts.contract.bindings, parts.transcoder),
        *_inference_routes(parts.inference),
        Route("/openapi.json", openapi, methods=["GET"]),
        Route("/docs", pages.docs, methods=["GET"]),
        Route("/docs.js", pages.docs_script, methods=["GET"]),
        Route("/docs.css", pages.docs_style, methods=["GET"]),
        Route("/healthz", alive, methods=["GET"]),
        Route("/readyz", parts.readiness.endpoint, methods=["GET"]),
        Route(session.PATH, parts.session.create, methods=["POST"]),
        Route(session.PATH, parts.session.delete, methods=["DELETE"]),
        Route("/assets/{name:path}", parts.console.file, methods=["GET"]),
        Route("/", parts.console.page, methods=["GET"]),
    ]
    return Edge(CookieSessions(_Routed(routes, parts.console)), parts.header_limit)


def _upload_routes(uploads: TusEndpoint) -> list[BaseRoute]:
    one = f"{tus.PATH}/{{id}}"
    return [
        Route(tus.PATH, uploads.options, methods=["OPTIONS"]),
        Route(one, uploads.options, methods=["OPTIONS"]),
        Route(tus.PATH, uploads.create, methods=["POST"]),
        Route(one, _by_verb({"HEAD": uploads.head, "GET": uploads.show}), methods=["GET", "HEAD"]),
        Route(one, uploads.patch, methods=["PATCH"]),
        Route(one, uploads.delete, methods=["DELETE"]),
    ]


def _by_verb(endpoints: dict[str, Endpoint]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await endpoints[request.method](request)

    return endpoint


def _inference_routes(inference: InferenceEndpoint) -> list[BaseRoute]:
    routes: list[BaseRoute] = [Route("/v2/health/{kind:path}", _server_state(inference), methods=["GET"])]
    for base in ("/v2/models/{service}", "/v2/models/{service}/versions/{version}"):
        routes += [
            Route(f"{base}/infer", inference.infer, methods=["POST"]),
            Route(f"{base}/ready", inference.ready, methods=["GET"]),
            Route(base, inference.metadata, methods=["GET"]),
        ]
    return routes


def _server_state(inference: InferenceEndpoint) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        if request.path_params["kind"] not in ("live", "ready"):
            raise NotFound("There is /v2/health/live and /v2/health/ready.", reason="ROUTE_NOT_FOUND")
        return await inference.server_state(request)

    return endpoint


class _Routed:
    """Starlette's router, with our errors for what it would answer itself."""

    def __init__(self, routes: list[BaseRoute], console: ConsoleFiles) -> None:
        self._routes = routes
        self._console = console
        self._router = Router(routes, redirect_slashes=False, default=self._unmatched)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._refuse_wrong_verb(scope)
        try:
            await self._router(scope, receive, send)
        except HTTPException as error:
            raise HttpError(error.status_code, InvalidArgument(error.detail)) from error

    def _refuse_wrong_verb(self, scope: Scope) -> None:
        matching = [(route, route.matches(scope)[0]) for route in self._routes]
        if any(match is Match.FULL for _, match in matching):
            return
        allowed = sorted({verb for route, match in matching if match is Match.PARTIAL for verb in _verbs(route)})
        if allowed:
            error = InvalidArgument(f"{scope['method']} is not offered here.", reason="METHOD_NOT_ALLOWED")
            raise HttpError(405, error, {"Allow": ", ".join(allowed)})

    async def _unmatched(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if wants_page(request.method, scope["path"], request.headers.get("accept", "")):
            await (await self._console.page(request))(scope, receive, send)
        else:
            raise NotFound(f"There is nothing at {scope['path'][:200]}.", reason="ROUTE_NOT_FOUND")


def _verbs(route: BaseRoute) -> set[str]:
    if isinstance(route, BindingRoute):
        return {route.binding.verb}
    return set(getattr(route, "methods", None) or ())

"""The Open Inference Protocol over HTTP, with the ids of our services as model names; bodies pass as they are."""

import json

import grpc
import httpx
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.access import Access
from services.gateway.forwarding.calls import Call
from services.gateway.forwarding.resolver import Resolver, Target
from services.gateway.forwarding.triton import real_code
from services.gateway.http.errors import HTTP_CODES
from services.gateway.http.requests import address_of, read_body, unless_gone
from services.gateway.http.transcoding import Limits
from services.kernel import tracing
from services.kernel.context import current_traceparent
from services.kernel.errors import DeadlineExceeded, NotFound, Unavailable
from services.kernel.grpc import TRACE_KEY
from services.kernel.traffic import Outcome, Tally

BINARY_LENGTH = "inference-header-content-length"
_PASSED_IN = ("content-type", BINARY_LENGTH)
_PASSED_OUT = ("content-type", BINARY_LENGTH)
_SHOWN = 2000
_REFUSED, _FAILED = 400, 500


class InferenceEndpoint:
    """`triton` (`host:port`) is asked for the server's own state; models go where their service is."""

    def __init__(
        self,
        access: Access,
        resolver: Resolver,
        client: httpx.AsyncClient,
        limits: Limits,
        traffic: Tally,
        *,
        triton: str,
    ) -> None:
        self._access = access
        self._resolver = resolver
        self._traffic = traffic
        self._client = client
        self._limits = limits
        self._triton = triton

    async def infer(self, request: Request) -> Response:
        call = await self._admit(request)
        target = await self._target(request, call)
        body = await read_body(
            request,
            limit=self._limits.large_body,
            idle_s=self._limits.body_idle_s,
            time_s=self._limits.request_time_s,
        )
        headers = {name: request.headers[name] for name in _PASSED_IN if name in request.headers}
        url = f"http://{target.http}/v2/models/{target.model}/infer"

        async def counted() -> tuple[httpx.Response, int]:
            with self._traffic.counting(request.path_params["service"]) as counting:
                answer = await self._ask("POST", url, call, headers, body)
                code = _code_of(answer)
                if code >= _REFUSED:
                    counting.outcome = Outcome.FAILED if code >= _FAILED else Outcome.REFUSED
                return answer, code

        answer, code = await unless_gone(request.receive, counted)
        if answer.status_code == httpx.codes.NOT_FOUND:
            self._resolver.forget(request.path_params["service"], call)
        return _handed_on(answer, code)

    async def ready(self, request: Request) -> Response:
        call = await self._admit(request)
        target = await self._target(request, call)
        return _handed_on(await self._ask("GET", f"http://{target.http}/v2/models/{target.model}/ready", call))

    async def metadata(self, request: Request) -> Response:
        call = await self._admit(request)
        target = await self._target(request, call)
        answer = await self._ask("GET", f"http://{target.http}/v2/models/{target.model}", call)
        if answer.status_code != httpx.codes.OK:
            return _handed_on(answer)
        body = answer.json() | {"name": request.path_params["service"]}
        return Response(json.dumps(body), media_type="application/json")

    async def server_state(self, request: Request) -> Response:
        """`/v2/health/live` and `/v2/health/ready` of Triton; no token, as load balancers ask this."""
        address, kind = address_of(request), request.path_params["kind"]
        call = await self._access.admit("", address=address, traceparent="", public=True, time_s=5)
        return _handed_on(await self._ask("GET", f"http://{self._triton}/v2/health/{kind}", call))

    async def _admit(self, request: Request) -> Call:
        return await self._access.admit(
            request.headers.get("authorization", ""),
            address=address_of(request),
            traceparent=current_traceparent(),
            inference=True,
            time_s=self._limits.request_time_s,
        )

    async def _target(self, request: Request, call: Call) -> Target:
        if request.path_params.get("version", "1") != "1":
            raise NotFound("A service has one version, `1`: the model version is chosen when the service is made.")
        return await self._resolver.resolve(request.path_params["service"], call)

    async def _ask(
        self, verb: str, url: str, call: Call, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> httpx.Response:
        with tracing.span("triton", kind="client", traceparent=call.traceparent):
            own = {**(headers or {}), TRACE_KEY: current_traceparent()}
            try:
                return await self._client.request(verb, url, headers=own, content=body, timeout=call.time_left)
            except httpx.TimeoutException as error:
                raise DeadlineExceeded("The model did not answer in time.") from error
            except httpx.TransportError as error:
                raise Unavailable("The inference server does not answer now; repeat the request.") from error


def _handed_on(answer: httpx.Response, code: int = 0) -> Response:
    headers = {name: answer.headers[name] for name in _PASSED_OUT if name in answer.headers}
    if answer.content.startswith(b"{") and BINARY_LENGTH not in headers:
        headers["content-type"] = "application/json"  # Triton calls the errors of Python models plain text
    return Response(answer.content, code or answer.status_code, headers)


def _code_of(answer: httpx.Response) -> int:
    """Triton calls both a request that it cannot parse and a model that died an error of its own."""
    if answer.status_code != httpx.codes.INTERNAL_SERVER_ERROR:
        return answer.status_code
    message = answer.content[:_SHOWN].decode(errors="replace")
    return HTTP_CODES[real_code(grpc.StatusCode.INTERNAL, message).value[0]]

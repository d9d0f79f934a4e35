"""Signing in and out of the console: the same methods as everybody's, but the token goes into a cookie."""

from dataclasses import dataclass

from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response

from protos.identity.v1 import identity_pb2
from services.gateway.access import Access
from services.gateway.contract.contract import Contract
from services.gateway.forwarding.calls import Backends, Call
from services.gateway.http.browser import cookies
from services.gateway.http.jsonmap import fill, parse_json, to_json
from services.gateway.http.requests import address_of, read_body
from services.gateway.http.transcoding import Limits, require_json
from services.kernel.context import current_traceparent

PATH = "/console/session"
_SERVICE = "/modelyard.identity.v1.IdentityService"


@dataclass(frozen=True)
class SessionEndpoint:
    """`POST` signs in with `user_name` and `password` and answers the user, `DELETE` signs out.

    `lasts_s`: the longest life of a session, which the server may end before. `secure`: cookies go over HTTPS only.
    """

    contract: Contract
    access: Access
    backends: Backends
    limits: Limits
    lasts_s: int
    secure: bool

    async def create(self, request: Request) -> Response:
        cookies.refuse_other_sites(request.headers)
        body = await read_body(
            request, limit=self.limits.body, idle_s=self.limits.body_idle_s, time_s=self.limits.request_time_s
        )
        require_json(request)
        message = identity_pb2.CreateSessionRequest()
        fill(message, parse_json(body))
        call = await self._admit(request, "")
        session = identity_pb2.Session.FromString(await self._ask("CreateSession", message, call))
        response = _answer(to_json(session.user))
        cookies.set_session(response, session.token, lasts_s=self.lasts_s, secure=self.secure)
        return response

    async def delete(self, request: Request) -> Response:
        call = await self._admit(request, request.headers.get("authorization", ""))
        await self._ask("DeleteCurrentSession", identity_pb2.DeleteCurrentSessionRequest(), call)
        response = _answer("{}")
        cookies.clear_session(response, secure=self.secure)
        return response

    async def _admit(self, request: Request, authorization: str) -> Call:
        return await self.access.admit(
            authorization,
            address=address_of(request),
            traceparent=current_traceparent(),
            public=not authorization,
            time_s=self.limits.request_time_s,
        )

    async def _ask(self, name: str, message: Message, call: Call) -> bytes:
        method = self.contract.methods[f"{_SERVICE}/{name}"]
        return await self.backends.of(method).unary(method, message.SerializeToString(), call)


def _answer(text: str) -> Response:
    return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

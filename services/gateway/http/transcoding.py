"""HTTP requests to RPCs and back, for every binding of the contract."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway.access import INFERENCE_METHODS, PUBLIC_METHODS, Access
from services.gateway.contract.contract import Binding, Method
from services.gateway.forwarding.calls import Backends, Call
from services.gateway.http.errors import HttpError
from services.gateway.http.jsonmap import Json, descriptor_of, field_named, fill, parse_json, to_json
from services.gateway.http.query import fill_from_query, parse_query, set_path
from services.gateway.http.requests import address_of, read_body, unless_gone
from services.gateway.http.streams import pumping, send_bytes, send_events
from services.kernel.context import current_traceparent
from services.kernel.errors import InvalidArgument

T = TypeVar("T")

RESUMPTION = {"cursor": "cursor", "after": "index"}
"""Request field that says after what to go on, and the field of the streamed message that holds that position."""

LARGE_BODIES = frozenset({"Predict"})
"""Methods whose requests carry images."""

_LARGE = 128 * 1024
"""Bytes from which on JSON is read and written in a thread."""

_UNMASKED = frozenset({"id", "etag"})
"""Fields that a body may repeat from what was read; they do not count as changed."""


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    body: int
    large_body: int
    body_idle_s: float
    request_time_s: float


class Transcoder:
    """Answers requests that were matched to a binding."""

    def __init__(self, access: Access, backends: Backends, limits: Limits, closing: asyncio.Event) -> None:
        self._access = access
        self._backends = backends
        self._limits = limits
        self._closing = closing

    async def answer(
        self, binding: Binding, values: Mapping[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Raises DomainError, HttpError, CallFailed and ClientGone before anything was sent."""
        request = Request(scope, receive)
        method = binding.method
        call = await self._access.admit(
            request.headers.get("authorization", ""),
            address=address_of(request),
            traceparent=current_traceparent(),
            public=method.path in PUBLIC_METHODS,
            inference=method.path in INFERENCE_METHODS,
            time_s=None if method.streams else self._limits.request_time_s,
        )
        body = await self._body(binding, request)
        message = await _aside(len(body), partial(build_message, binding, values, request, body))
        if method.streams:
            await self._stream(method, message, call, receive, send)
        else:
            response = await unless_gone(receive, lambda: self._unary(method, message, call))
            await response(scope, receive, send)

    async def _body(self, binding: Binding, request: Request) -> bytes:
        if not binding.body:
            return b""
        limit = self._limits.large_body if binding.method.name in LARGE_BODIES else self._limits.body
        body = await read_body(
            request, limit=limit, idle_s=self._limits.body_idle_s, time_s=self._limits.request_time_s
        )
        if body:
            require_json(request)
        return body

    async def _unary(self, method: Method, message: Message, call: Call) -> Response:
        data = await self._backends.of(method).unary(method, message.SerializeToString(), call)
        answer = method.response_class.FromString(data)
        text = await _aside(len(data), partial(to_json, answer))
        etag = getattr(answer, "etag", "")
        headers = {"ETag": f'"{etag}"'} if isinstance(etag, str) and etag else {}
        return Response(text, 200, headers, media_type="application/json")

    async def _stream(self, method: Method, message: Message, call: Call, receive: Receive, send: Send) -> None:
        with self._access.streams.hold(call.caller.user_id):
            source = self._backends.of(method).stream(method, message.SerializeToString(), call)
            async with pumping(source, receive, self._closing) as pump:
                if method.raw_response:
                    await send_bytes(pump, send, [])
                else:
                    field = _position_field(method)
                    await send_events(
                        pump, send, method.response_class, lambda one: str(getattr(one, field)) if field else "", []
                    )


async def _aside(size: int, work: Callable[[], T]) -> T:
    """Do work on `size` bytes without holding up the other requests."""
    return work() if size < _LARGE else await asyncio.to_thread(work)


def build_message(binding: Binding, values: Mapping[str, str], request: Request, body: bytes) -> Message:
    """The request message from path, query, body and headers. Raises InvalidArgument that names what is wrong."""
    message = binding.method.request_class()
    fields = descriptor_of(message).fields_by_name
    content: Json = parse_json(body) if body else {}
    pairs = parse_query(request.scope["query_string"])
    in_path = frozenset(name.partition(".")[0] for name in values)
    if binding.body == "*":
        if isinstance(content, dict):
            content = {name: value for name, value in content.items() if values.get(name) != value}
        _refuse_path_fields(content, in_path)
        fill(message, content)
        if pairs:
            name = pairs[0][0]
            raise InvalidArgument.field(name, "must be in the body, not in the query", reason="UNKNOWN_PARAMETER")
    else:
        if binding.body and body:
            fill(message, {binding.body: content})
        fill_from_query(message, pairs, taken=in_path | frozenset({binding.body} - {""}))
    for name, text in values.items():
        set_path(message, name, text)
    if binding.verb == "PATCH" and "update_mask" in fields and not message.HasField("update_mask"):
        _mask_from_body(message, binding.body, content)
    _apply_headers(message, binding, request)
    return message


def _refuse_path_fields(content: Json, in_path: frozenset[str]) -> None:
    for name in in_path.intersection(content if isinstance(content, dict) else ()):
        raise InvalidArgument.field(name, "differs from the one in the path")


def _mask_from_body(message: Message, body: str, content: Json) -> None:
    """Without a mask, what the body names is what changes."""
    resource = descriptor_of(getattr(message, body) if body != "*" else message)
    named = [field_named(resource, name) for name in (content if isinstance(content, dict) else ())]
    mask: FieldMask = message.update_mask  # type: ignore[attr-defined]
    mask.paths.extend(field.name for field in named if field is not None and field.name not in _UNMASKED)


def _apply_headers(message: Message, binding: Binding, request: Request) -> None:
    fields = descriptor_of(message).fields_by_name
    key = request.headers.get("idempotency-key", "")
    if key and "request_id" in fields:
        _set_if_empty(message, "request_id", key)
    etag = request.headers.get("if-match", "").removeprefix("W/").strip('"')
    if etag and etag != "*":
        holder = message if "etag" in fields else getattr(message, binding.body, None)
        if isinstance(holder, Message) and "etag" in descriptor_of(holder).fields_by_name:
            _set_if_empty(holder, "etag", etag)
    last = request.headers.get("last-event-id", "")
    if last and _position_field(binding.method):
        name = next(name for name in RESUMPTION if name in fields)
        set_path(message, name, last)


def _set_if_empty(message: Message, name: str, text: str) -> None:
    if not getattr(message, name):
        setattr(message, name, text)


def _position_field(method: Method) -> str:
    """The field of a streamed message that `Last-Event-ID` hands back, or nothing."""
    if not method.streams:
        return ""
    for asked, told in RESUMPTION.items():
        if asked in method.request.fields_by_name and told in method.response.fields_by_name:
            return told
    return ""


def require_json(request: Request) -> None:
    """Raises HttpError 415 for a body that says it is something else than JSON."""
    content_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HttpError(415, InvalidArgument("The body must not be compressed.", reason="CONTENT_ENCODING_UNSUPPORTED"))
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise HttpError(
            415,
            InvalidArgument(
                f"The body must be JSON with the header `Content-Type: application/json`, not {content_type[:80]}.",
                reason="CONTENT_TYPE_UNSUPPORTED",
            ),
        )

"""Server streams as HTTP: server-sent events, or plain bytes for google.api.HttpBody."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from google.api import httpbody_pb2
from google.protobuf.message import Message
from prometheus_client import Gauge
from starlette.types import Receive, Send

from services.gateway.forwarding.calls import CallFailed
from services.gateway.http.errors import HTTP_CODES, status_json
from services.gateway.http.jsonmap import to_json
from services.gateway.http.requests import ClientGone, until_gone
from services.kernel.errors import Internal, Unavailable
from services.kernel.logging import get_logger

log = get_logger(__name__)

STREAMS = Gauge("modelyard_http_streams_open", "Answers of streams that are open: server-sent events and downloads")

KEEP_ALIVE_S = 15.0
FIRST_WAIT_S = 0.5
"""So long an early error of a stream can still become a status code, before the headers go out."""

_AHEAD = 16

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class _Ended:
    """The end of a stream, with its error if it failed."""

    failure: CallFailed | None = None


Item = bytes | _Ended


class Pump:
    """Reads a stream in a task of its own, a few messages ahead, and watches client and shutdown meanwhile."""

    def __init__(self, source: AsyncGenerator[bytes, None], receive: Receive, closing: asyncio.Event) -> None:
        self._items: asyncio.Queue[Item] = asyncio.Queue(_AHEAD)
        self._reader = asyncio.ensure_future(self._read(source))
        self._gone = asyncio.ensure_future(until_gone(receive))
        self._closing = asyncio.ensure_future(closing.wait())
        self._next: asyncio.Future[Item] | None = None

    async def _read(self, source: AsyncGenerator[bytes, None]) -> None:
        end = _Ended()
        try:
            async for message in source:
                await self._items.put(message)
        except CallFailed as error:
            end = _Ended(error)
        except Exception:
            log.exception("stream_failed")
            end = _Ended(CallFailed.of(Internal("Something went wrong on our side; it is in the log.")))
        finally:
            await source.aclose()
        await self._items.put(end)

    async def next(self, timeout: float | None) -> Item | None:
        """The next message or the end; None when nothing came in `timeout` seconds. Raises ClientGone."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._items.get())
        waiting: set[asyncio.Future[Any]] = {self._next, self._gone, self._closing}
        await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if self._next.done():
            item, self._next = self._next.result(), None
            return item
        if self._gone.done():
            raise ClientGone
        if self._closing.done():
            return _Ended(CallFailed.of(Unavailable("The server is restarting; connect again.", reason="RESTARTING")))
        return None

    async def close(self) -> None:
        tasks = [task for task in (self._reader, self._gone, self._closing, self._next) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def pumping(source: AsyncGenerator[bytes, None], receive: Receive, closing: asyncio.Event) -> AsyncIterator[Pump]:
    pump = Pump(source, receive, closing)
    STREAMS.inc()
    try:
        yield pump
    finally:
        STREAMS.dec()
        await pump.close()


async def send_events(
    pump: Pump, send: Send, message_class: type[Message], cursor: Callable[[Message], str], headers: Headers
) -> None:
    """Server-sent events: one `data` line of JSON a message, `id` where the stream can be resumed.

    The last event is `end`, or `error` with the status. Raises CallFailed while the headers have not gone out.
    """
    item = await pump.next(FIRST_WAIT_S)
    if isinstance(item, _Ended) and item.failure is not None:
        raise item.failure
    own = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
    await _start(send, [*own, *headers])
    await _body(send, b": open\n\n")
    while not isinstance(item, _Ended):
        if item is not None:
            message = message_class.FromString(item)
            position = cursor(message)
            head = f"id: {position}\n" if position else ""
            await _body(send, f"{head}data: {to_json(message)}\n\n".encode())
        item = await pump.next(KEEP_ALIVE_S)
        if item is None:
            await _body(send, b": keep-alive\n\n")
    await _body(send, _last_event(item.failure), more=False)


def _last_event(failure: CallFailed | None) -> bytes:
    if failure is None:
        return b"event: end\ndata: {}\n\n"
    code = HTTP_CODES.get(failure.status.code, 500)
    return f"event: error\ndata: {status_json(failure.status, code)}\n\n".encode()


async def send_bytes(pump: Pump, send: Send, headers: Headers) -> None:
    """The bytes of HttpBody messages, with the content type of the first.

    Raises CallFailed while the headers have not gone out; a later failure breaks the connection, so that nobody takes
    what came for the whole.
    """
    item = await pump.next(None)
    if isinstance(item, _Ended) and item.failure is not None:
        raise item.failure
    first = httpbody_pb2.HttpBody.FromString(item) if isinstance(item, bytes) else httpbody_pb2.HttpBody()
    content_type = (first.content_type or "application/octet-stream").encode("latin-1", "replace")
    await _start(send, [(b"content-type", content_type), *headers])
    while isinstance(item, bytes):
        await _body(send, httpbody_pb2.HttpBody.FromString(item).data)
        item = await pump.next(None)
    if isinstance(item, _Ended) and item.failure is None:
        await _body(send, b"", more=False)


async def _start(send: Send, headers: Headers) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [*headers, (b"cache-control", b"no-store")]})


async def _body(send: Send, data: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})

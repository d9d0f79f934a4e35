"""What is read from a request, with its limits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from services.gateway.http.errors import HttpError
from services.kernel.errors import DeadlineExceeded, InvalidArgument, ResourceExhausted

T = TypeVar("T")


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def content_length(request: Request) -> int | None:
    text = request.headers.get("content-length")
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal():
        raise InvalidArgument("Content-Length must be a number.", reason="HEADER_MALFORMED")
    return int(text)


def too_large(limit: int) -> HttpError:
    error = ResourceExhausted(f"The body may have at most {limit} bytes.", reason="BODY_TOO_LARGE")
    return HttpError(413, error, {"Connection": "close"})


def too_slow() -> HttpError:
    error = DeadlineExceeded("The body did not come in time.", reason="BODY_TOO_SLOW")
    return HttpError(408, error, {"Connection": "close"})


async def chunks(request: Request, idle_s: float) -> AsyncIterator[bytes]:
    """Pieces of the body as they come. Raises HttpError 408 after `idle_s` without one, ClientGone."""
    source = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(idle_s):
                piece = await anext(source)
        except StopAsyncIteration:
            return
        except ClientDisconnect:
            raise ClientGone from None
        except TimeoutError:
            raise too_slow() from None
        if piece:
            yield piece


async def read_body(request: Request, *, limit: int, idle_s: float, time_s: float) -> bytes:
    """The whole body. Raises HttpError 413 or 408, ClientGone."""
    length = content_length(request)
    if length is not None and length > limit:
        raise too_large(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(time_s):
            async for piece in chunks(request, idle_s):
                body += piece
                if len(body) > limit:
                    raise too_large(limit)
    except TimeoutError:
        raise too_slow() from None
    return bytes(body)


async def until_gone(receive: Receive) -> None:
    """Returns when the client closes the connection; call it after the body was read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_gone(receive: Receive, work: Callable[[], Awaitable[T]]) -> T:
    """Run `work`; cancel it and raise ClientGone when the client goes away first."""
    gone = asyncio.ensure_future(until_gone(receive))
    running = asyncio.ensure_future(work())
    try:
        await asyncio.wait((gone, running), return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            raise ClientGone
        return running.result()
    finally:
        for task in (gone, running):
            task.cancel()
        await asyncio.gather(gone, running, return_exceptions=True)

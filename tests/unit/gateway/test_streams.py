import asyncio
import json
from collections.abc import AsyncGenerator

import pytest
from google.api import httpbody_pb2
from starlette.types import Message

from protos.event.v1 import event_pb2
from services.gateway.forwarding.calls import CallFailed
from services.gateway.http import streams
from services.gateway.http.requests import ClientGone
from services.gateway.http.streams import pumping, send_bytes, send_events
from services.kernel.errors import NotFound


class Client:
    """Collects what is sent; goes away when told."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.gone = asyncio.Event()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def body(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    @property
    def complete(self) -> bool:
        return bool(self.sent) and self.sent[-1].get("more_body") is False


class Source:
    """A stream that gives messages, then waits, ends or fails; remembers that it was closed."""

    def __init__(self, *messages: bytes, then: Exception | None = None, waits: bool = False) -> None:
        self._messages = messages
        self._then = then
        self._waits = waits
        self._never = asyncio.Event()
        self.closed = False

    async def stream(self) -> AsyncGenerator[bytes, None]:
        try:
            for message in self._messages:
                yield message
            if self._waits:
                await self._never.wait()
            if self._then is not None:
                raise self._then
        finally:
            self.closed = True


def cursor_of(message: object) -> str:
    assert isinstance(message, event_pb2.Event)
    return message.cursor


EVENT = event_pb2.Event(cursor="7", type="dataset.onlined").SerializeToString()
FAILURE = CallFailed.of(NotFound("gone", reason="GONE"))


async def run_events(source: Source, client: Client, closing: asyncio.Event | None = None) -> None:
    async with pumping(source.stream(), client.receive, closing or asyncio.Event()) as pump:
        await send_events(pump, client.send, event_pb2.Event, cursor_of, [])


async def test_events_with_ids_and_end() -> None:
    client = Client()
    await run_events(Source(EVENT), client)
    blocks = client.body.split("\n\n")
    assert blocks[0] == ": open"
    assert blocks[1].startswith("id: 7\ndata: {")
    assert blocks[2] == "event: end\ndata: {}"
    assert client.complete


async def test_a_failure_before_the_first_message_is_raised() -> None:
    client = Client()
    with pytest.raises(CallFailed):
        await run_events(Source(then=FAILURE), client)
    assert client.sent == []


async def test_a_later_failure_is_the_last_event() -> None:
    client = Client()
    await run_events(Source(EVENT, then=FAILURE), client)
    assert json.loads(client.body.rpartition("data: ")[2])["error"]["details"][0]["reason"] == "GONE"


async def test_an_unexpected_failure_ends_the_stream_without_telling() -> None:
    client = Client()
    await run_events(Source(EVENT, then=ValueError("secret")), client)
    assert "event: error" in client.body
    assert "secret" not in client.body


async def test_keep_alive_and_the_client_going_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "KEEP_ALIVE_S", 0.01)
    client, source = Client(), Source(EVENT, waits=True)
    running = asyncio.ensure_future(run_events(source, client))
    async with asyncio.timeout(5):
        while client.body.count(": keep-alive") < 2:
            await asyncio.sleep(0.01)
    client.gone.set()
    with pytest.raises(ClientGone):
        await running
    assert source.closed


async def test_shutdown_ends_the_stream() -> None:
    client, source, closing = Client(), Source(EVENT, waits=True), asyncio.Event()
    closing.set()
    await run_events(source, client, closing)
    assert "RESTARTING" in client.body
    assert source.closed


async def test_bytes_are_whole_or_broken_off() -> None:
    pieces = [httpbody_pb2.HttpBody(content_type="text/plain", data=data).SerializeToString() for data in (b"a", b"b")]
    for then, whole in ((None, True), (FAILURE, False)):
        client, source = Client(), Source(*pieces, then=then)
        async with pumping(source.stream(), client.receive, asyncio.Event()) as pump:
            await send_bytes(pump, client.send, [])
        assert client.body == "ab"
        assert (b"content-type", b"text/plain") in client.sent[0]["headers"]
        assert client.complete is whole

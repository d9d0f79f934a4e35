"""What the relay does when its connection is cancelled below it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from unittest.mock import AsyncMock

import pytest

from services.kernel.config import KernelSettings
from services.kernel.messaging import relay as relays
from services.kernel.messaging.connecting import Connected
from services.kernel.messaging.relay import Relay, RelayThread
from tests.fakes.feed import Sleeper
from tests.support.polling import eventually

SETTINGS = KernelSettings.model_validate(
    dict.fromkeys(("mongo_uri", "amqp_uri", "s3_endpoint", "s3_access_key", "s3_secret_key"), "http://nowhere")
    | {"token_key": "k" * 64}
)


@asynccontextmanager
async def a_connection(*_: object, **__: object) -> AsyncIterator[Connected]:
    yield Connected(AsyncMock(), asyncio.get_running_loop().create_future())


class Cancelled(Relay):
    """Its connection is cancelled by a heartbeat as soon as it is used; then it works."""

    def __init__(self) -> None:
        super().__init__(SETTINGS, "things", Sleeper())
        self.attempts = 0

    async def _relay(self, connection: object) -> None:
        self.attempts += 1
        if self.attempts == 1:
            future = asyncio.get_running_loop().create_future()
            future.cancel()
            await future
        await asyncio.Event().wait()


class Broken(Relay):
    def __init__(self) -> None:
        super().__init__(SETTINGS, "things", Sleeper())

    async def run(self) -> None:
        raise asyncio.CancelledError


@pytest.fixture(autouse=True)
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(relays, "connected", a_connection)
    monkeypatch.setattr(relays, "ensure_collections", lambda _: None)
    yield


def test_a_connection_that_is_cancelled_is_made_again_and_a_stop_still_stops() -> None:
    relay = Cancelled()
    thread = RelayThread(relay)
    thread.start()
    eventually(lambda: relay.attempts == 2)
    assert thread.alive
    thread.stop()
    assert not thread.alive
    assert thread.error is None


def test_a_relay_that_was_cancelled_without_a_stop_has_an_error() -> None:
    thread = RelayThread(Broken())
    thread.start()
    eventually(lambda: not thread.alive)
    assert "cancelled by its connection" in str(thread.error)


def test_a_broker_that_does_not_answer_the_declaration_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def away(uri: str, _: object) -> None:
        asked.append(uri)
        raise ConnectionError("the broker does not answer")

    monkeypatch.setattr(relays, "declare_at", away)
    thread = RelayThread(Relay(SETTINGS, "things", Sleeper()))
    thread.start()
    eventually(lambda: len(asked) >= 2)
    thread.stop(5)
    assert not thread.alive
    assert thread.error is None

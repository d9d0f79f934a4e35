"""The reader of the event-log queues."""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import ChannelInvalidStateError
from pydantic import SecretStr

from services.kernel.messaging import eventlog
from services.kernel.messaging.batches import Arrived
from services.kernel.messaging.connecting import Connected
from services.kernel.messaging.declaration import declare
from services.kernel.messaging.envelope import Event
from services.kernel.messaging.eventlog import LogReader
from services.kernel.messaging.topology import dead_queue_name, log_queue_name, log_topology
from tests.integration.kernel.messaging.conftest import Bench, make_event
from tests.support.cutting import bad_line
from tests.support.polling import eventually


def log_bench(bench: Bench) -> None:
    with bench.connection() as connection:
        declare(connection, [log_topology(bench.source)])


@pytest.fixture
def other(bench: Bench) -> Iterator[Bench]:
    """A second source."""
    made = replace(bench, source=f"test{secrets.token_hex(4)}", children=[])
    yield made
    made.clean()


async def read_until(bench: Bench, count: int, *, failures: int = 0) -> list[list[Event]]:
    """Batches handed over until `count` different events have come; the first `failures` calls fail."""
    batches: list[list[Event]] = []
    done = asyncio.Event()

    async def callback(events: list[Event]) -> None:
        batches.append(events)
        if len(batches) <= failures:
            raise RuntimeError("as the test wants it")
        if len({event.id for batch in batches for event in batch}) >= count:
            done.set()

    reader = asyncio.create_task(LogReader(bench.settings, [bench.source], callback).run())
    await asyncio.wait_for(done.wait(), 30)
    assert await _becomes_empty(bench)
    reader.cancel()
    await asyncio.wait([reader])
    return batches


async def _becomes_empty(bench: Bench) -> bool:
    """The broker counts a moment behind its acknowledgements."""

    def empty() -> bool:
        held = bench.held(log_queue_name(bench.source))
        return held is not None and held.ready == 0

    return await asyncio.to_thread(eventually, empty)


async def test_reads_in_order_and_acknowledges(bench: Bench) -> None:
    log_bench(bench)
    events = [bench.publish(make_event(sequence=number)) for number in range(1, 31)]
    batches = await read_until(bench, 30)
    assert [event for batch in batches for event in batch] == events
    assert len(batches) < 30
    assert await _becomes_empty(bench)


async def test_failing_callback_gets_the_batch_again(bench: Bench) -> None:
    log_bench(bench)
    event = bench.publish(make_event())
    assert await read_until(bench, 1, failures=2) in ([[event]] * 3, [[event]])
    assert await _becomes_empty(bench)


async def test_malformed_message_is_a_dead_letter(bench: Bench) -> None:
    log_bench(bench)
    bench.publish(make_event(), body=b"nonsense")
    event = bench.publish(make_event())
    assert await read_until(bench, 1) == [[event]]
    dead = dead_queue_name(log_queue_name(bench.source))
    await asyncio.to_thread(eventually, lambda: (held := bench.held(dead)) and held.ready == 1)


async def test_events_of_all_queues_share_batches_in_the_order_of_each(bench: Bench, other: Bench) -> None:
    first, *rest = [make_event(subject="thing/a", sequence=number) for number in range(1, 11)]
    others = [make_event(subject="thing/b", sequence=number) for number in range(1, 11)]
    batches: list[list[Event]] = []
    done = asyncio.Event()

    def publish_the_rest() -> None:
        for own, foreign in zip([*rest, None], others, strict=True):
            other.publish(foreign)
            if own is not None:
                bench.publish(own)
        eventually(
            lambda: all((held := one.held(log_queue_name(one.source))) and not held.ready for one in (bench, other))
        )

    async def callback(events: list[Event]) -> None:
        batches.append(events)
        if events == [first]:
            await asyncio.to_thread(publish_the_rest)
        if sum(map(len, batches)) == 20:
            done.set()

    for one in (bench, other):
        log_bench(one)
    bench.publish(first)
    reader = asyncio.create_task(LogReader(bench.settings, [bench.source, other.source], callback).run())
    await asyncio.wait_for(done.wait(), 30)
    assert await _becomes_empty(bench)
    reader.cancel()
    await asyncio.wait([reader])
    read = [event for batch in batches for event in batch]
    assert [event for event in read if event.subject == "thing/a"] == [first, *rest]
    assert [event for event in read if event.subject == "thing/b"] == others
    assert len(batches) == 2


async def test_a_channel_that_is_lost_is_opened_again_and_the_others_go_on(
    bench: Bench, other: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, repeated = make_event(subject="thing/a"), make_event(subject="thing/a", sequence=2)
    going_on = make_event(subject="thing/b")
    received: list[AbstractIncomingMessage] = []
    read: list[Event] = []
    connections: list[AbstractConnection] = []
    done = asyncio.Event()

    class Noting(Arrived):
        async def put(self, message: AbstractIncomingMessage) -> None:
            received.append(message)
            await super().put(message)

    class Counting(LogReader):
        async def _read_all(self, broker: Connected) -> None:
            connections.append(broker.connection)
            await super()._read_all(broker)

    async def callback(events: list[Event]) -> None:
        read.extend(events)
        if read == [lost]:
            await received[0].channel.basic_ack(12345)  # unknown: the broker closes the channel
            await asyncio.to_thread(eventually, lambda: _closed(received[0]))
            await asyncio.to_thread(bench.publish, repeated)
            await asyncio.to_thread(other.publish, going_on)
        if {event.id for event in read} == {lost.id, repeated.id, going_on.id}:
            done.set()

    monkeypatch.setattr(eventlog, "Arrived", Noting)
    for one in (bench, other):
        log_bench(one)
    bench.publish(lost)
    reader = asyncio.create_task(Counting(bench.settings, [bench.source, other.source], callback).run())
    await asyncio.wait_for(done.wait(), 30)
    assert await _becomes_empty(bench)
    reader.cancel()
    await asyncio.wait([reader])
    assert [event.id for event in read] == [lost.id, going_on.id, lost.id, repeated.id]
    assert len(connections) == 1


async def test_a_connection_that_is_lost_is_made_anew(bench: Bench) -> None:
    first, second = make_event(subject="thing/a"), make_event(subject="thing/a", sequence=2)
    read: list[str] = []
    connections: list[AbstractConnection] = []
    done = asyncio.Event()

    class Counting(LogReader):
        async def _read_all(self, broker: Connected) -> None:
            connections.append(broker.connection)
            await super()._read_all(broker)

    async def callback(events: list[Event]) -> None:
        read.extend(event.id for event in events)
        if second.id in read:
            done.set()

    log_bench(bench)
    bench.publish(first)
    reader = asyncio.create_task(Counting(bench.settings, [bench.source], callback).run())
    assert await _becomes_empty(bench)
    transport = connections[0].transport
    assert transport is not None
    await transport.close(ConnectionResetError("as when the broker is killed"))
    await asyncio.to_thread(bench.publish, second)
    await asyncio.wait_for(done.wait(), 30)
    reader.cancel()
    await asyncio.wait([reader])
    assert len(connections) == 2


def _closed(message: AbstractIncomingMessage) -> bool:
    try:
        return message.channel.is_closed
    except ChannelInvalidStateError:
        return True


@pytest.mark.parametrize("seed", range(3))
async def test_a_line_that_breaks_at_any_moment_is_read_again(bench: Bench, seed: int) -> None:
    """In the middle of connecting, of opening channels, of declaring: nothing of it may be waited for for ever."""
    log_bench(bench)
    uri = bench.settings.amqp_uri.get_secret_value()
    server = urlsplit(uri)
    assert server.hostname and server.port
    seen: set[str] = set()

    async def callback(events: list[Event]) -> None:
        seen.update(event.id for event in events)

    async with bad_line(server.hostname, server.port, seed) as line:
        cut = SecretStr(uri.replace(f":{server.port}", f":{line.port}"))
        settings = bench.settings.model_copy(update={"amqp_uri": cut})
        reader = asyncio.create_task(LogReader(settings, [bench.source], callback).run())
        await asyncio.sleep(3)
        assert line.connections > 2
        line.bad = False
        event = await asyncio.to_thread(bench.publish, make_event(sequence=1))
        async with asyncio.timeout(20):
            while event.id not in seen:
                await asyncio.sleep(0.05)
        reader.cancel()
        await asyncio.wait([reader])

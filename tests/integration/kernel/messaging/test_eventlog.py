"""The reader of the event-log queues."""

import asyncio

from services.kernel.messaging.declaration import declare
from services.kernel.messaging.envelope import Event
from services.kernel.messaging.eventlog import LogReader
from services.kernel.messaging.topology import dead_queue_name, log_queue_name, log_topology
from tests.integration.kernel.messaging.conftest import Bench, make_event
from tests.support.polling import eventually


def log_bench(bench: Bench) -> None:
    with bench.connection() as connection:
        declare(connection, [log_topology(bench.source)])


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

"""Reader of the event-log queues: every event of every service, in order for each aggregate, at least once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, AMQPError

from services.kernel.config import KernelSettings
from services.kernel.logging import get_logger
from services.kernel.messaging.declaration import declare_at
from services.kernel.messaging.envelope import Event, MalformedEvent, from_json
from services.kernel.messaging.topology import log_queue_name, log_topology

BATCH = 200
LINGER = 0.05  # seconds to wait for a batch to fill
CONNECT_TIMEOUT = 10.0
HEARTBEAT = 10  # seconds; a reader that is paused is replaced after it
BACKOFF = (0.2, 0.5, 1.0, 2.0)  # seconds

log = get_logger(__name__)

Callback = Callable[[list[Event]], Awaitable[None]]


class LogReader:
    """Hands batches of events to `callback`, one batch at a time, and acknowledges a batch when it returns.

    A batch whose callback raises is handed over again, with backoff, until it succeeds; after a crash events may come
    twice, with the same id. Several readers may run: one is active on each queue, the others take over.
    """

    def __init__(self, settings: KernelSettings, services: Sequence[str], callback: Callback) -> None:
        self._uri = settings.amqp_uri.get_secret_value()
        self._services = tuple(services)
        self._callback = callback
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Read until cancelled. A lost broker is tried again with backoff; a TopologyMismatch is raised."""
        failures = 0
        while True:
            try:
                connection = await aio_pika.connect(self._uri, timeout=CONNECT_TIMEOUT, heartbeat=HEARTBEAT)
                async with connection:
                    logs = [log_topology(service) for service in self._services]
                    await asyncio.to_thread(declare_at, self._uri, logs)
                    failures = 0
                    await self._read_all(connection)
            except* (*CONNECTION_EXCEPTIONS, AMQPError, TimeoutError) as errors:
                delay = BACKOFF[min(failures, len(BACKOFF) - 1)]
                failures += 1
                log.warning("event log interrupted", error=repr(errors.exceptions[0]), retry_in=delay)
                await asyncio.sleep(delay)

    async def _read_all(self, connection: AbstractConnection) -> None:
        async with asyncio.TaskGroup() as readers:
            for service in self._services:
                readers.create_task(self._read(connection, service))

    async def _read(self, connection: AbstractConnection, service: str) -> None:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=2 * BATCH)
        queue = await channel.get_queue(log_queue_name(service), ensure=False)
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await queue.consume(arrived.put)
        closed = asyncio.ensure_future(channel.closed())
        try:
            while True:
                await self._hand_over(await _next_batch(arrived, closed))
        finally:
            closed.cancel()

    async def _hand_over(self, messages: Sequence[AbstractIncomingMessage]) -> None:
        events: list[Event] = []
        for message in messages:
            try:
                events.append(from_json(message.body))
            except MalformedEvent as error:
                log.error("malformed event in the log queue", error=str(error), message_id=message.message_id)
                await message.reject(requeue=False)  # to the dead-letter queue
        failures = 0
        while events:
            try:
                async with self._turn:
                    await self._callback(events)
                break
            except Exception:  # whatever it was, the events must not be lost
                log.exception("event log callback failed", events=len(events))
                await asyncio.sleep(BACKOFF[min(failures, len(BACKOFF) - 1)])
                failures += 1
        for message in messages:
            if not message.processed:
                await message.ack()


async def _next_batch(
    arrived: asyncio.Queue[AbstractIncomingMessage], closed: asyncio.Future[Literal[True]]
) -> list[AbstractIncomingMessage]:
    """At least one message; raises ConnectionError when the channel closes before one comes."""
    first = asyncio.ensure_future(arrived.get())
    await asyncio.wait((first, closed), return_when=asyncio.FIRST_COMPLETED)
    if closed.done():
        first.cancel()
        raise ConnectionError("the channel of the event log was closed")
    batch = [first.result()]
    if arrived.qsize() < BATCH:
        await asyncio.sleep(LINGER)
    while len(batch) < BATCH and not arrived.empty():
        batch.append(arrived.get_nowait())
    return batch

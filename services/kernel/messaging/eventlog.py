"""Reader of the event-log queues: every event of every service, in the order of its queue, at least once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from services.kernel.config import KernelSettings
from services.kernel.logging import get_logger
from services.kernel.messaging.batches import Arrived, next_batch
from services.kernel.messaging.connecting import BACKOFF, CONNECT_TIMEOUT, LOSSES, Connected, is_to_stop, keep_connected
from services.kernel.messaging.declaration import declare_at
from services.kernel.messaging.envelope import Event, MalformedEvent, from_json
from services.kernel.messaging.topology import log_queue_name, log_topology

BATCH = 200
LINGER = 0.05  # seconds to wait for a batch to fill
HEARTBEAT = 10  # seconds; a reader that is paused is replaced after it
REOPEN_AFTER = 1.0  # seconds until a queue whose channel ended is read again

log = get_logger(__name__)

Callback = Callable[[list[Event]], Awaitable[None]]


class LogReader:
    """Hands batches of events, from all queues together, to `callback`, and acknowledges a batch when it returns.

    There is one batch at a time. One whose callback raises is handed over again, with backoff, until it succeeds; after
    a crash, or when a channel is lost, events may come twice, with the same id. Several readers may run: one is active
    on each queue, the others take over.
    """

    def __init__(self, settings: KernelSettings, services: Sequence[str], callback: Callback) -> None:
        self._uri = settings.amqp_uri.get_secret_value()
        self._services = tuple(services)
        self._callback = callback

    async def run(self) -> None:
        """Read until cancelled. A lost broker is tried again with backoff; a TopologyMismatch is raised."""
        await keep_connected(self._uri, self._read_all, what="event log", heartbeat=HEARTBEAT)

    async def _read_all(self, broker: Connected) -> None:
        """Raises ConnectionError when the connection is lost."""
        await asyncio.to_thread(declare_at, self._uri, [log_topology(service) for service in self._services])
        arrived = Arrived()
        async with asyncio.TaskGroup() as tasks:
            for service in self._services:
                tasks.create_task(self._read(broker, service, arrived))
            while True:
                await self._hand_over(await next_batch(arrived, broker.lost, BATCH, linger=LINGER))

    async def _read(self, broker: Connected, service: str, arrived: Arrived) -> None:
        """Read one queue while the connection lives. A channel that ends is opened again; the other queues go on."""
        while not broker.lost.done():
            try:
                await _follow(broker.connection, service, arrived)
                reason = "its channel was closed"
            except (*LOSSES, asyncio.CancelledError) as error:
                if is_to_stop():
                    raise
                reason = repr(error)
            await asyncio.wait((broker.lost,), timeout=REOPEN_AFTER)
            if not broker.lost.done():
                log.warning("event log queue not read", source=service, reason=reason)
                with suppress(ConnectionError):  # then it cannot be read either, which is told above
                    await asyncio.to_thread(declare_at, self._uri, [log_topology(service)])

    async def _hand_over(self, messages: Sequence[AbstractIncomingMessage]) -> None:
        parsed = [_parsed(message) for message in messages]
        events = [event for event in parsed if event is not None]
        failures = 0
        while events:
            try:
                await self._callback(events)
                break
            except Exception:  # whatever it was, the events must not be lost
                log.exception("event log callback failed", events=len(events))
                await asyncio.sleep(BACKOFF[min(failures, len(BACKOFF) - 1)])
                failures += 1
        answers = (
            message.ack() if event is not None else message.reject(requeue=False)  # to the dead-letter queue
            for message, event in zip(messages, parsed, strict=True)
        )
        # A channel that was closed meanwhile takes no answer; the broker delivers again what it got none for.
        for error in await asyncio.gather(*answers, return_exceptions=True):
            if error is not None:
                log.warning("event not acknowledged", error=repr(error))


def _parsed(message: AbstractIncomingMessage) -> Event | None:
    try:
        return from_json(message.body)
    except MalformedEvent as error:
        log.error("malformed event in the log queue", error=str(error), message_id=message.message_id)
        return None


async def _follow(connection: AbstractConnection, service: str, arrived: Arrived) -> None:
    """Returns when the channel was closed."""
    async with asyncio.timeout(CONNECT_TIMEOUT):
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=2 * BATCH)
        queue = await channel.get_queue(log_queue_name(service), ensure=False)
        await queue.consume(arrived.put)
    await channel.closed()

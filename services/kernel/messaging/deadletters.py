"""Dead letters: what lies in the `*.dead` queues, as values, and the way back to the consumer's queue."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity, PublishError

from services.kernel.config import KernelSettings
from services.kernel.logging import get_logger
from services.kernel.messaging.batches import Arrived, next_batch
from services.kernel.messaging.connecting import BACKOFF, CONNECT_TIMEOUT, Connected, keep_connected
from services.kernel.messaging.topology import DELIVERY_LIMIT, dead_queue_name

HEADER_REPLAY = "modelyard-replay"
"""How often the message was handed to its consumer again. Without `x-`, so that it survives retries."""

PREFETCH = 20
BATCH = 20
REFRESH = 10.0  # seconds between looks for queues that are new
PUBLISH_TIMEOUT = 10.0
_BROKER_REASONS = ("delivery_limit", "rejected", "maxlen", "expired")

log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One message of a dead-letter queue. `queue` is its consumer's; `replays` how often it was replayed before."""

    queue: str
    message_id: str
    body: bytes
    replays: int = 0
    reason: str = ""
    error: str = ""
    attempts: int = 0
    consumer: str = ""
    died_at: datetime
    content_type: str = ""
    content_encoding: str = ""
    type: str = ""
    app_id: str = ""
    headers: Mapping[str, object] = field(default_factory=dict)


class Undeliverable(Exception):
    """The consumer's queue does not exist any more, or refuses the message."""


Callback = Callable[[Sequence[DeadLetter]], Awaitable[None]]
Queues = Callable[[], Awaitable[Iterable[str]]]


def dead_letter(queue: str, message: AbstractIncomingMessage) -> DeadLetter:
    """What the headers of `Redelivery` and of the broker (`x-death`) say about a message of `<queue>.dead`."""
    headers = message.headers
    death = _broker_death(queue, headers.get("x-death"))
    failed_at = _time(headers.get("x-modelyard-failed-at"))
    reason, error = str(headers.get("x-modelyard-reason") or ""), str(headers.get("x-modelyard-error") or "")
    attempts = _number(headers.get("x-modelyard-attempts"))
    died_at = failed_at
    if death:
        reason = str(death.get("reason"))
        died_at = _time(death.get("time")) or failed_at
        error = _told(reason, error)
        # The broker does not pass on how often it delivered.
        attempts += DELIVERY_LIMIT if reason == "delivery_limit" else 1
    return DeadLetter(
        queue=queue,
        message_id=message.message_id or hashlib.sha256(message.body).hexdigest(),
        body=message.body,
        replays=_number(headers.get(HEADER_REPLAY)),
        reason=reason or "unknown",
        error=error,
        attempts=attempts,
        consumer=str(headers.get("x-modelyard-consumer") or ""),
        died_at=died_at or datetime.now(UTC),
        content_type=message.content_type or "",
        content_encoding=message.content_encoding or "",
        type=message.type or "",
        app_id=message.app_id or "",
        headers={name: value for name, value in headers.items() if isinstance(value, str) and name[:2] != "x-"},
    )


def _broker_death(queue: str, deaths: object) -> Mapping[str, object]:
    """The entry of `x-death` for the consumer's own queue. Those of retry queues tell only that time has passed."""
    for death in deaths if isinstance(deaths, list) else ():
        if isinstance(death, dict) and death.get("queue") == queue and death.get("reason") in _BROKER_REASONS:
            return death
    return {}


def _told(reason: str, error: str) -> str:
    match reason:
        case "delivery_limit":
            told = f"Its consumer was given it {DELIVERY_LIMIT} times and never answered: did it die of it?"
        case "rejected":
            told = "Its consumer refused it as no event of ours."
        case _:
            told = f"The broker took it out of the queue ({reason})."
    return f"{told} Before that: {error}" if error else told


def _time(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


class DeadLetterReader:
    """Hands the messages of dead-letter queues to `callback`, and acknowledges what it has returned for.

    `queues` names the consumers' queues and is asked again and again. A crash brings messages a second time. Several
    readers may run at the same time.
    """

    def __init__(self, settings: KernelSettings, queues: Queues, callback: Callback, *, refresh: float = REFRESH):
        self._uri = settings.amqp_uri.get_secret_value()
        self._queues = queues
        self._callback = callback
        self._refresh = refresh
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Read until cancelled. A lost broker is tried again with backoff."""
        await keep_connected(self._uri, self._read_all, what="dead letters")

    async def _read_all(self, broker: Connected) -> None:
        """Raises ConnectionError when the connection is lost."""
        reading: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as readers:
            while not broker.lost.done():
                for queue in await self._queues():
                    if queue not in reading or reading[queue].done():
                        reading[queue] = readers.create_task(self._read(broker.connection, queue))
                await asyncio.wait((broker.lost,), timeout=self._refresh)
            raise ConnectionError("the broker has closed the connection")

    async def _read(self, connection: AbstractConnection, queue: str) -> None:
        """Ends when there is no such queue (yet)."""
        arrived = Arrived()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                channel = await connection.channel()
                await channel.set_qos(prefetch_count=PREFETCH)
                source = await channel.get_queue(dead_queue_name(queue), ensure=True)
                await source.consume(arrived.put)
        except ChannelNotFoundEntity:
            return
        closed = asyncio.ensure_future(channel.closed())
        try:
            while True:
                await self._hand_over(queue, await next_batch(arrived, closed, BATCH))
        finally:
            closed.cancel()

    async def _hand_over(self, queue: str, messages: Sequence[AbstractIncomingMessage]) -> None:
        letters = [dead_letter(queue, message) for message in messages]
        failures = 0
        while True:
            try:
                async with self._turn:
                    await self._callback(letters)
                break
            except Exception:  # whatever it was, they must not be lost
                log.exception("dead letters not stored", queue=queue, count=len(letters))
                await asyncio.sleep(BACKOFF[min(failures, len(BACKOFF) - 1)])
                failures += 1
        for message in messages:
            await message.ack()


class Replayer:
    """Publishes dead letters to the queues of their consumers, confirmed. Use as an async context manager."""

    def __init__(self, settings: KernelSettings) -> None:
        self._uri = settings.amqp_uri.get_secret_value()
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    async def __aenter__(self) -> "Replayer":
        self._connection = await aio_pika.connect(self._uri, timeout=CONNECT_TIMEOUT)
        self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def publish(self, letter: DeadLetter) -> None:
        """Returns when the broker has it. Raises Undeliverable, or the connection's errors."""
        assert self._channel is not None
        message = aio_pika.Message(
            letter.body,
            content_type=letter.content_type or None,
            content_encoding=letter.content_encoding or None,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=letter.message_id,
            type=letter.type or None,
            app_id=letter.app_id or None,
            headers={**{name: str(value) for name, value in letter.headers.items()}, HEADER_REPLAY: letter.replays},
        )
        try:
            await self._channel.default_exchange.publish(message, letter.queue, mandatory=True, timeout=PUBLISH_TIMEOUT)
        except PublishError as error:
            raise Undeliverable(f"There is no queue {letter.queue} any more.") from error

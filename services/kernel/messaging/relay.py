"""The relay: publishes what stands in the outbox, then marks it sent. At least once, in order for each aggregate."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import groupby
from typing import Protocol

import aio_pika
import uvloop
from aio_pika.abc import AbstractConnection, AbstractExchange
from prometheus_client import Counter, Histogram
from pymongo.errors import PyMongoError

from services.kernel import tracing
from services.kernel.config import KernelSettings
from services.kernel.logging import get_logger
from services.kernel.messaging import outbox
from services.kernel.messaging.connecting import LOSSES, connected, is_to_stop
from services.kernel.messaging.declaration import declare_at
from services.kernel.messaging.envelope import CONTENT_TYPE, Event, to_json
from services.kernel.messaging.outbox import OutboxRow
from services.kernel.messaging.topology import exchange_name, log_topology
from services.kernel.metrics import FAST
from services.kernel.storage.mongo import client, ensure_collections

PUBLISHED = Counter("modelyard_events_published_total", "Events that the broker has confirmed", ["service"])
LAG = Histogram(
    "modelyard_event_publish_lag_seconds",
    "From an event's time to the broker's confirmation",
    ["service"],
    buckets=FAST,
)
INTERRUPTED = Counter("modelyard_relay_interruptions_total", "Times that the relay lost a server", ["service"])

BATCH = 1000
IN_FLIGHT = 256  # publications that wait for their confirmation at the same time
PUBLISH_TIMEOUT = 10.0  # seconds; without it a publication to a broker that went away may wait forever
WAKE_EVERY = 1.0  # seconds; how late an event is at most when the change feed is silent
BACKOFF = (0.2, 0.5, 1.0, 2.0)  # seconds between attempts to reach the servers

log = get_logger(__name__)


class Changes(Protocol):
    """What wakes the relay; each wait returns at once when something was written since the last one returned."""

    async def wait(self, timeout: float) -> object: ...

    def close(self) -> None: ...


class Feed(Protocol):
    """`services.kernel.storage.changes.ChangeFeed`."""

    def subscribe(self) -> Changes: ...


class Relay:
    """Runs inside the `control` role of `service`, while that holds the control lease."""

    def __init__(
        self, settings: KernelSettings, service: str, feed: Feed, *, may_work: Callable[[], bool] = lambda: True
    ) -> None:
        """`may_work` says whether the lease is still held; without it nothing more is published or marked."""
        self._may_work = may_work
        self._uri = settings.amqp_uri.get_secret_value()
        self._service = service
        self._feed = feed
        self._published, self._lag = (
            PUBLISHED.labels(service),
            LAG.labels(service),
        )  # looked up once, not for each event
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._position = ""  # subject at which the next batch begins; a pass goes through all subjects in turn

    async def run(self) -> None:
        """Publish until cancelled. Lost servers are tried again with backoff; a TopologyMismatch is raised."""
        await asyncio.to_thread(ensure_collections, [outbox.OutboxDocument])
        failures = 0
        while True:
            try:
                async with connected(self._uri) as broker:
                    failures = 0
                    await self._relay(broker.connection)
            except (*LOSSES, PyMongoError, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and is_to_stop():
                    raise
                delay = BACKOFF[min(failures, len(BACKOFF) - 1)]
                failures += 1
                INTERRUPTED.labels(self._service).inc()
                log.warning("relay interrupted", error=repr(error), retry_in=delay)
                await asyncio.sleep(delay)

    async def _relay(self, connection: AbstractConnection) -> None:
        await asyncio.to_thread(declare_at, self._uri, [log_topology(self._service)])
        async with asyncio.timeout(PUBLISH_TIMEOUT):
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange(exchange_name(self._service), ensure=False)
        self._position = ""
        with closing(self._feed.subscribe()) as changes:
            while True:
                published = await self.publish_batch(exchange) if self._may_work() else 0
                # Less than a batch was all there was: what is written while it is published ends the wait at once.
                if published < BATCH:
                    await changes.wait(WAKE_EVERY)

    async def publish_batch(self, exchange: AbstractExchange) -> int:
        """Publish and mark up to BATCH events; the number published, less than BATCH when the outbox holds no more."""
        batch = await asyncio.to_thread(self._next_batch)
        chains = [list(chain) for _, chain in groupby(batch, key=lambda row: row["subject"])]
        published: list[str] = []
        done = await asyncio.gather(
            *(self._publish_in_order(exchange, chain, published) for chain in chains), return_exceptions=True
        )
        if published and self._may_work():
            await asyncio.to_thread(_mark_sent, published)
        for error in done:
            if error is not None:
                raise error
        return len(published)

    def _next_batch(self) -> list[OutboxRow]:
        batch = _unsent_from(self._position)
        if not batch and self._position:
            batch = _unsent_from("")
        self._position = batch[-1]["subject"] if len(batch) == BATCH else ""
        return batch

    async def _publish_in_order(
        self, exchange: AbstractExchange, chain: Iterable[OutboxRow], published: list[str]
    ) -> None:
        for row in chain:
            event = outbox.to_event(row, self._service)
            async with self._slots:
                if not self._may_work():
                    return
                began = time.time()
                await exchange.publish(
                    self._to_message(row, event), row["type"], mandatory=True, timeout=PUBLISH_TIMEOUT
                )
            self._observe(row, event, began)
            published.append(row["_id"])

    def _observe(self, row: OutboxRow, event: Event, began: float) -> None:
        now = time.time()
        self._published.inc()
        self._lag.observe(max(now - event.time.timestamp(), 0.0))
        if tracing.enabled():
            tracing.record(
                f"publish {event.type}",
                event.traceparent,
                row["traceparent"],
                began,
                now,
                kind="producer",
                attributes={
                    "messaging.system": "rabbitmq",
                    "messaging.destination.name": exchange_name(self._service),
                    "messaging.message.id": event.id,
                    "modelyard.subject": event.subject,
                },
            )

    def _to_message(self, row: OutboxRow, event: Event) -> aio_pika.Message:
        return aio_pika.Message(
            to_json(event),
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=row["_id"],
            type=row["type"],
            app_id=self._service,
        )


def _unsent_from(subject: str) -> list[OutboxRow]:
    # One snapshot: without it a cursor may pass an event's place before it is committed and then meet its successor.
    with client().start_session(snapshot=True) as session:
        found = outbox.rows().find({"sent": False, "subject": {"$gte": subject}}, session=session)
        return list(found.sort(outbox.UNSENT_ORDER).limit(BATCH))


def _mark_sent(ids: Sequence[str]) -> None:
    change = {"$set": {"sent": True, "sent_at": datetime.now(UTC)}}
    outbox.rows().update_many({"_id": {"$in": list(ids)}}, change)


class RelayThread:
    """A relay on its own thread, for the `control` role: start it when the lease is acquired, stop it when lost."""

    def __init__(self, relay: Relay) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="relay", daemon=True)
        self._task = self._loop.create_task(relay.run())
        self._stopping = False
        self.error: Exception | None = None

    @property
    def alive(self) -> bool:
        """False when stopped, or when `error` says why it cannot go on."""
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = PUBLISH_TIMEOUT) -> None:
        """Stop now. What was published but not yet marked is published again by the next relay."""
        self._stopping = True
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(timeout)

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            if not self._stopping:
                self.error = RuntimeError("the relay was cancelled by its connection")
                log.exception("relay failed")
        except Exception as error:
            self.error = error
            log.exception("relay failed")
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

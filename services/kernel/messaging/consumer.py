"""nameko's queue consumer and container, cured. Each override says which defect of nameko 2.14.1 it cures.

Only the broker's socket is green. Nothing else is monkey patched: handlers run on native threads, where the database
driver is at home and where long work does not keep the event loop from sending heartbeats.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import amqp.transport
import eventlet
from eventlet.green import socket as green_socket
from eventlet.green import ssl as green_ssl
from eventlet.semaphore import Semaphore
from kombu import Connection, Consumer, Queue
from kombu.exceptions import MessageStateError
from kombu.message import Message
from kombu.transport.pyamqp import Channel
from nameko.messaging import QueueConsumer

from services.kernel.logging import get_logger
from services.kernel.messaging.declaration import BROKER_ERRORS, declare
from services.kernel.messaging.envelope import Event, MalformedEvent, from_json
from services.kernel.messaging.redelivery import Redelivery, connect
from services.kernel.messaging.topology import Subscription

BACKOFF = (0.2, 0.5, 1.0, 2.0)  # seconds between attempts to reach the broker
HEARTBEAT_CHECK = 0.5  # seconds; also how long an idle consumer takes to notice that it is stopped
PREFETCH = 16  # a consumer that dies costs each prefetched event one of its DELIVERY_LIMIT deliveries

log = get_logger(__name__)


def make_broker_sockets_green() -> None:
    """Let the event loop run while the broker's sockets wait; must come before the first connection."""
    amqp.transport.socket = green_socket
    amqp.transport.ssl = green_ssl


class Provider(Protocol):
    """An entrypoint: handles events of some types from one source."""

    source: str
    types: tuple[str, ...]

    def run(self, delivery: "Delivery") -> None: ...


@dataclass(frozen=True)
class Delivery:
    """One event that arrived, and the message to answer."""

    subscription: Subscription
    message: Message
    event: Event
    provider: Provider

    @property
    def chain(self) -> tuple[str, str]:
        return self.subscription.queue, self.event.subject


class EventConsumer(QueueConsumer):  # type: ignore[misc]  # nameko has no types
    """Consumes one queue for each source of the service; the events of one aggregate are handled one by one."""

    def __init__(self) -> None:
        self._chains: dict[tuple[str, str], deque[Delivery]] = {}
        self._busy = 0
        self._closing = False
        self._writing = Semaphore()
        self._redelivery: Redelivery | None = None
        super().__init__()

    def run(self) -> None:
        """Consume until stopped.

        nameko repeats a refused declaration for ever and consumes nothing; here a TopologyMismatch ends the process.
        kombu waits for a lost broker with a sleep that stops the event loop, and with it the answer to SIGTERM.
        """
        failures = 0
        while not (self.should_stop or self._closing):
            try:
                for _ in self.consume(limit=None, safety_interval=HEARTBEAT_CHECK):
                    failures = 0
            except BROKER_ERRORS as error:
                self._forget_waiting()
                delay = BACKOFF[min(failures, len(BACKOFF) - 1)]
                failures += 1
                log.warning("broker connection lost", error=repr(error), retry_in=delay)
                self._pause(delay)
        while self._busy and not self.should_stop:
            eventlet.sleep(0.05)

    def _pause(self, seconds: float) -> None:
        waited = 0.0
        while waited < seconds and not (self.should_stop or self._closing):
            eventlet.sleep(0.1)
            waited += 0.1

    @contextmanager
    def establish_connection(self) -> Iterator[Connection]:
        with self.create_connection() as connection:
            connect(connection)
            yield connection

    def get_consumers(self, consumer_cls: type[Consumer], channel: Channel) -> list[Consumer]:
        """Called after each connection: queues that somebody deleted are made again."""
        subscriptions = self.container.subscriptions
        topologies = [subscription.topology() for subscription in subscriptions]
        declare(channel.connection.client, topologies, sleep=eventlet.sleep)
        self._redelivery = Redelivery(self.amqp_uri, subscriptions)
        self._consumers = {}
        for subscription in subscriptions:
            queue = Queue(subscription.queue, no_declare=True)
            consumer = consumer_cls(queues=[queue], on_message=partial(self._on_message, subscription))
            consumer.qos(prefetch_count=PREFETCH)
            self._consumers[subscription.queue] = consumer
        return list(self._consumers.values())

    def on_iteration(self) -> None:
        """nameko closes the connection as soon as the consumers are cancelled, and drops the acks of handlers that
        still run; here the loop, with its heartbeats, goes on until none does."""
        if self._closing and self._consumers:
            with self._writing:
                for consumer in self._consumers.values():
                    consumer.cancel()
            self._consumers = {}
            self._forget_waiting()
            log.info("taking no more events", running=self._busy)
        if self._closing and not self._busy:
            self.should_stop = True

    def stop(self) -> None:
        """Take no more events, wait for the running handlers and their acks, close the connection."""
        self._closing = True
        if self._gt is not None:
            try:
                self._gt.wait()
            except Exception:  # noqa: BLE001  # the container reports it from wait()
                log.debug("consumer had failed before it was stopped")

    def unregister_provider(self, provider: Provider) -> None:
        self.stop()
        self._providers.discard(provider)

    def ack_message(self, message: Message) -> None:
        """nameko lets errors of the socket through, which kills the process. The broker delivers again what it got
        no ack for, and the inbox then knows it."""
        try:
            if message.channel.connection:
                with self._writing:  # greenlets share the connection's write buffer
                    message.ack()
        except (*BROKER_ERRORS, MessageStateError, AttributeError) as error:
            log.warning("ack not delivered", message_id=message.properties.get("message_id"), error=repr(error))

    def failed(self, delivery: Delivery, error: BaseException) -> None:
        """nameko loses the event or redelivers it at once for ever; here it waits in a retry queue, then is dead."""
        self._move(delivery.subscription, delivery.message, error, may_retry=True)

    def finished(self, delivery: Delivery) -> None:
        """The message is answered: begin with the next event of the same aggregate."""
        self._busy -= 1
        waiting = self._chains[delivery.chain]
        if waiting:
            self._begin(waiting.popleft())
        else:
            del self._chains[delivery.chain]

    def _on_message(self, subscription: Subscription, message: Message) -> None:
        if self._closing:
            return  # unanswered, so the broker gives it to the next consumer
        try:
            event = from_json(message.body)
        except MalformedEvent as error:
            self.container.spawn_managed_thread(partial(self._bury, subscription, message, error))
            return
        provider = self._provider_of(subscription.source, event.type)
        if provider is None:
            self.ack_message(message)  # bound by another release
            return
        delivery = Delivery(subscription, message, event, provider)
        if delivery.chain in self._chains:
            self._chains[delivery.chain].append(delivery)
        else:
            self._chains[delivery.chain] = deque()
            self._begin(delivery)

    def _provider_of(self, source: str, event_type: str) -> Provider | None:
        providers: Iterable[Provider] = self._providers
        return next((one for one in providers if one.source == source and event_type in one.types), None)

    def _begin(self, delivery: Delivery) -> None:
        self._busy += 1
        self.container.spawn_managed_thread(partial(delivery.provider.run, delivery), identifier=delivery.event.id)

    def _bury(self, subscription: Subscription, message: Message, error: MalformedEvent) -> None:
        self._busy += 1
        try:
            self._move(subscription, message, error, may_retry=False)
        finally:
            self._busy -= 1

    def _move(self, subscription: Subscription, message: Message, error: BaseException, *, may_retry: bool) -> None:
        """Publish to the next queue, then ack. Unanswered when that is impossible: the broker delivers it again."""
        while self._redelivery is not None and message.channel.connection and not self.should_stop:
            try:
                self._redelivery.move(subscription, message, error, may_retry=may_retry)
            except BROKER_ERRORS as reason:
                log.warning("event could not be moved", error=repr(reason))
                if self._closing:
                    return
                eventlet.sleep(1.0)
            else:
                self.ack_message(message)
                return

    def _forget_waiting(self) -> None:
        # Their connection is gone, or will be: the broker delivers them again.
        for waiting in self._chains.values():
            waiting.clear()

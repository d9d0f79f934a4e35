"""A subscriber of all events, as another platform would be one: a queue of its own at every exchange."""

import socket
import threading
from dataclasses import dataclass

from kombu import Connection, Consumer, Message, Queue

SERVICES = ("dataset", "algorithm", "trainer", "scheduler", "serving", "gateway")
QUEUE = "faults.subscriber.v1"


@dataclass(frozen=True)
class Delivery:
    """One message as it came."""

    body: bytes


class Subscriber(threading.Thread):
    """Collects every message; one that is not acknowledged when the broker dies comes again."""

    def __init__(self, amqp_uri: str) -> None:
        super().__init__(name="subscriber", daemon=True)
        self._uri = amqp_uri
        self._stop_asked = threading.Event()
        self.deliveries: list[Delivery] = []
        self.interruptions: list[str] = []

    def subscribe(self) -> None:
        """Make the queue; every event from now on is this subscriber's."""
        with Connection(self._uri, connect_timeout=5) as connection:
            channel = connection.channel()
            channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
            for service in SERVICES:
                channel.exchange_declare(f"{service}.events", "topic", durable=True, auto_delete=False)
                channel.queue_bind(QUEUE, f"{service}.events", "#")

    def run(self) -> None:
        while not self._stop_asked.is_set():
            try:
                with Connection(self._uri, heartbeat=10, connect_timeout=5) as connection:
                    self._consume(connection)
            except Exception as error:  # of a broker that is being killed, starts, or has no leader of the queue yet
                self.interruptions.append(repr(error))
                self._stop_asked.wait(0.5)

    def _consume(self, connection: Connection) -> None:
        queue = Queue(QUEUE, no_declare=True)
        with Consumer(connection.channel(), [queue], on_message=self._on_message, prefetch_count=100):
            while not self._stop_asked.is_set():
                connection.heartbeat_check()
                try:
                    connection.drain_events(timeout=1)
                except socket.timeout:  # noqa: UP041  # kombu's own name for it
                    continue

    def _on_message(self, message: Message) -> None:
        body = message.body
        self.deliveries.append(Delivery(body.encode() if isinstance(body, str) else bytes(body)))
        message.ack()

    def stop(self) -> None:
        self._stop_asked.set()
        self.join(10)

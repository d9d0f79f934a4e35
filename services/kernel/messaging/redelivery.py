"""Where an event goes after its handler failed: through the retry queues, then to the dead letters."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import eventlet
from eventlet.semaphore import Semaphore
from kombu import Connection
from kombu.message import Message
from kombu.transport.pyamqp import Channel
from prometheus_client import Counter

from services.kernel.logging import get_logger
from services.kernel.messaging.declaration import BROKER_ERRORS, declare
from services.kernel.messaging.topology import Subscription

RETRIED = Counter("modelyard_events_retried_total", "Events put off after their handler failed", ["consumer"])
DEAD = Counter("modelyard_events_dead_total", "Events that became dead letters", ["consumer", "reason"])

HEADER_ATTEMPTS = "x-modelyard-attempts"
HEADER_REASON = "x-modelyard-reason"  # handler_failed or malformed
HEADER_ERROR = "x-modelyard-error"  # the exception's class and message
HEADER_CONSUMER = "x-modelyard-consumer"
HEADER_FAILED_AT = "x-modelyard-failed-at"

CONFIRM_TIMEOUT = 10.0  # seconds

log = get_logger(__name__)


def connect(connection: Connection) -> None:
    """Open a connection without kombu's waiting, which would stop the event loop."""
    connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)


class Redelivery:
    """Publishes, confirmed, over a connection of its own: the consumer's is being read by its loop."""

    def __init__(self, uri: str, subscriptions: Sequence[Subscription]) -> None:
        self._uri = uri
        self._subscriptions = subscriptions
        self._turn = Semaphore()
        self._connection: Connection | None = None
        self._channel: Channel | None = None

    def move(self, subscription: Subscription, message: Message, error: BaseException, *, may_retry: bool) -> None:
        """Publish a copy to the next queue. Returns when the broker has it; raises one of BROKER_ERRORS otherwise."""
        attempts = attempts_of(message) + 1
        retry_queue = subscription.retry_queue(attempts) if may_retry else None
        target = retry_queue or subscription.dead_queue
        headers = {
            HEADER_ATTEMPTS: attempts,
            HEADER_REASON: "handler_failed" if may_retry else "malformed",
            HEADER_ERROR: f"{type(error).__name__}: {error}"[:1000],
            HEADER_CONSUMER: subscription.consumer,
            HEADER_FAILED_AT: datetime.now(UTC).isoformat(),
        }
        with self._turn:
            self._publish(target, message, headers)
        if retry_queue:
            RETRIED.labels(subscription.consumer).inc()
        else:
            DEAD.labels(subscription.consumer, headers[HEADER_REASON]).inc()
        report = log.warning if retry_queue else log.error
        report(
            "event will be retried" if retry_queue else "event is a dead letter",
            message_id=message.properties.get("message_id"),
            queue=target,
            attempts=attempts,
            error=headers[HEADER_ERROR],
        )

    def close(self) -> None:
        if self._connection is not None:
            self._connection.release()
            self._connection = self._channel = None

    def _publish(self, target: str, message: Message, headers: Mapping[str, object]) -> None:
        channel = self._open()
        body = message.body.encode() if isinstance(message.body, str) else message.body
        # The broker's own headers (x-death, x-delivery-count) stay behind: it counts and looks for cycles by them.
        kept = {key: value for key, value in message.headers.items() if not key.startswith("x-")}
        properties = {
            key: message.properties[key] for key in ("message_id", "type", "app_id") if key in message.properties
        }
        copy = channel.prepare_message(
            body,
            content_type=message.content_type,
            content_encoding=message.content_encoding,
            headers={**kept, **headers},
            properties={**properties, "delivery_mode": 2},
        )
        try:
            channel.basic_publish(
                copy, exchange="", routing_key=target, mandatory=True, confirm_timeout=CONFIRM_TIMEOUT
            )
        except BROKER_ERRORS:
            self.close()
            raise

    def _open(self) -> Channel:
        if self._channel is None:
            # No heartbeat: nobody reads this connection between two failures.
            self._connection = Connection(self._uri, heartbeat=0, transport_options={"confirm_publish": True})
            connect(self._connection)
            topologies = [subscription.topology() for subscription in self._subscriptions]
            declare(self._connection, topologies, sleep=eventlet.sleep)
            self._channel = self._connection.channel()
        return self._channel


def attempts_of(message: Message) -> int:
    """How many attempts at this event have failed so far."""
    value = message.headers.get(HEADER_ATTEMPTS)
    return value if isinstance(value, int) and value > 0 else 0

"""Tells the worker at once that an import was asked for, over the broker."""

import socket
import threading

from kombu import Connection, Consumer, Message, Queue
from kombu.exceptions import OperationalError

from services.kernel.config import KernelSettings
from services.kernel.logging import get_logger
from services.kernel.messaging.declaration import declare
from services.kernel.messaging.topology import Subscription, log_topology

SUBSCRIPTION = Subscription(consumer="dataset-worker", source="dataset", types=("dataset.import_started",))
_BACKOFF = 2.0
log = get_logger(__name__)


def listen(settings: KernelSettings, wake: threading.Event, stop: threading.Event) -> None:
    """Set `wake` for each event, until `stop` is set; reconnects for ever.

    The work itself is a row in the database that was written with the event, so an event is acknowledged at once: one
    that is lost only costs the wait until the next look.
    """
    while not stop.is_set():
        try:
            with Connection(settings.amqp_uri.get_secret_value(), heartbeat=30, connect_timeout=5) as connection:
                _consume(connection, wake, stop)
        except (OperationalError, OSError, *Connection("memory://").recoverable_connection_errors) as error:
            log.warning("wakeup_disconnected", error=str(error)[:200])
            stop.wait(_BACKOFF)


def _consume(connection: Connection, wake: threading.Event, stop: threading.Event) -> None:
    declare(connection, [log_topology(SUBSCRIPTION.source), SUBSCRIPTION.topology()])

    def on_message(message: Message) -> None:
        wake.set()
        message.ack()

    queue = Queue(SUBSCRIPTION.queue, no_declare=True)
    with Consumer(connection.channel(), [queue], on_message=on_message, prefetch_count=16):
        wake.set()
        while not stop.is_set():
            connection.heartbeat_check()
            try:
                connection.drain_events(timeout=1)
            except socket.timeout:  # noqa: UP041  # kombu's own name for it
                continue

"""Which queues a service's event handlers have ever read, which AMQP itself cannot list, and how much waits in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from amqp.exceptions import NotFound
from kombu import Connection
from kombu.exceptions import OperationalError
from kombu.transport.pyamqp import Transport
from mongoengine import fields

from services.kernel.config import KernelSettings
from services.kernel.entity import utc_now
from services.kernel.errors import Unavailable
from services.kernel.messaging.topology import Subscription, dead_queue_name, log_queue_name
from services.kernel.storage.mongo import StoredDocument, collection_of

_TIMEOUT_S = 5.0


class EventQueueDocument(StoredDocument):
    """One queue, by its name; those of older versions stay, because messages may lie behind them."""

    id = fields.StringField(primary_key=True)
    consumer = fields.StringField()
    source = fields.StringField()
    version = fields.IntField()
    declared_at = fields.DateTimeField()
    meta: ClassVar[dict[str, object]] = {"collection": "event_queues"}


@dataclass(frozen=True)
class QueueState:
    """What the broker says: messages that are ready, and consumers."""

    messages: int
    consumers: int


def register(subscriptions: Iterable[Subscription]) -> None:
    """Note the queues, before they are declared: a queue without a note would be overlooked."""
    for one in subscriptions:
        note = {"consumer": one.consumer, "source": one.source, "version": one.version, "declared_at": utc_now()}
        collection_of(EventQueueDocument).update_one({"_id": one.queue}, {"$set": note}, upsert=True)


def registered() -> list[str]:
    """The queues of this process's service, in order."""
    return [str(row["_id"]) for row in collection_of(EventQueueDocument).find().sort("_id")]


class Observer:
    """Asks over one connection, which is opened again after an error."""

    def __init__(self, settings: KernelSettings, service: str) -> None:
        # No heartbeat: nobody reads it between two questions.
        self._connection = Connection(settings.amqp_uri.get_secret_value(), connect_timeout=_TIMEOUT_S, heartbeat=0)
        self._service = service

    def look(self) -> Mapping[str, QueueState]:
        """The state of the service's log queue, of each queue that it reads, and of the dead letters of these.

        Queues that the broker does not have are left out. Raises Unavailable when it does not answer.
        """
        found: dict[str, QueueState] = {}
        try:
            self._connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            for name in [log_queue_name(self._service), *registered()]:
                for queue in (name, dead_queue_name(name)):
                    state = _state(self._connection, queue)
                    if state is not None:
                        found[queue] = state
        except (OperationalError, OSError, *Transport.connection_errors) as error:
            self.close()
            raise Unavailable("The broker does not answer.") from error
        return found

    def close(self) -> None:
        self._connection.release()


def _state(connection: Connection, queue: str) -> QueueState | None:
    channel = connection.channel()  # the broker closes it when the queue is not there
    try:
        answer = channel.queue_declare(queue, passive=True)
    except NotFound:
        return None
    channel.close()
    return QueueState(answer.message_count, answer.consumer_count)

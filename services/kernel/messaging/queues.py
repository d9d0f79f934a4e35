"""Which queues a service has, and how much waits in them: asked of the broker, which needs no plugin for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from amqp.exceptions import NotFound
from kombu import Connection
from mongoengine import fields

from services.kernel.config import KernelSettings
from services.kernel.messaging.topology import Subscription, dead_queue_name, log_queue_name
from services.kernel.storage.mongo import StoredDocument, collection_of

_TIMEOUT_S = 5.0


class QueueDocument(StoredDocument):
    """A queue that was declared for a consumer of this service; the id is its name."""

    id = fields.StringField(primary_key=True)
    consumer = fields.StringField()
    meta: ClassVar[dict[str, object]] = {"collection": "event_queues"}


@dataclass(frozen=True)
class QueueState:
    """What the broker says: messages that are ready, and consumers."""

    messages: int
    consumers: int


def remember(subscriptions: Iterable[Subscription]) -> None:
    """Note the queues of a consumer, so that they are watched also while it is away."""
    for subscription in subscriptions:
        collection_of(QueueDocument).update_one(
            {"_id": subscription.queue}, {"$set": {"consumer": subscription.consumer}}, upsert=True
        )


def names(service: str) -> list[str]:
    """The queues that events of or for `service` wait in, without those of retries and dead letters."""
    return [log_queue_name(service), *sorted(str(row["_id"]) for row in collection_of(QueueDocument).find())]


def look(settings: KernelSettings, service: str) -> Mapping[str, QueueState]:
    """The state of each queue and of its dead letters; one that is not there any more is forgotten.

    Raises the broker's errors.
    """
    found: dict[str, QueueState] = {}
    with Connection(settings.amqp_uri.get_secret_value(), connect_timeout=_TIMEOUT_S) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        for name in names(service):
            for queue in (name, dead_queue_name(name)):
                state = _state(connection, queue)
                if state is not None:
                    found[queue] = state
            if name not in found:
                collection_of(QueueDocument).delete_one({"_id": name})
    return found


def _state(connection: Connection, queue: str) -> QueueState | None:
    channel = connection.channel()  # the broker closes it when the queue is not there
    try:
        answer = channel.queue_declare(queue, passive=True)
    except NotFound:
        return None
    channel.close()
    return QueueState(answer.message_count, answer.consumer_count)

"""The inbox: a consumer's effect happens once, however often its event arrives."""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from mongoengine import fields
from prometheus_client import Counter

from services.kernel.logging import get_logger
from services.kernel.messaging.envelope import Event
from services.kernel.storage.expiry import Expiry
from services.kernel.storage.mongo import StoredDocument, collection_of, in_transaction

HANDLED = Counter(
    "modelyard_events_handled_total",
    "Events that a consumer has answered; of duplicates and outdated ones nothing came",
    ["consumer", "type", "outcome"],
)
_FORGET = Expiry("at", kept="inbox", index="forget")

log = get_logger(__name__)
_running: ContextVar[tuple[str, str] | None] = ContextVar("inbox_running", default=None)


class InboxDocument(StoredDocument):
    """One consumer has handled one event; the id is `<consumer>:<event id>`."""

    id = fields.StringField(primary_key=True)
    at = fields.DateTimeField()
    meta: ClassVar[dict[str, object]] = {"collection": "inbox"}
    expiry = _FORGET


class PositionDocument(StoredDocument):
    """The newest event of one aggregate that one consumer has seen; the id is `<consumer>:<source>:<subject>`."""

    id = fields.StringField(primary_key=True)
    sequence = fields.LongField()
    at = fields.DateTimeField()
    meta: ClassVar[dict[str, object]] = {"collection": "inbox_positions"}
    expiry = _FORGET


class Outcome(StrEnum):
    """What became of an event that arrived."""

    DONE = "done"
    DUPLICATE = "duplicate"
    OUTDATED = "outdated"


def handle_once(consumer: str, event: Event, effect: Callable[[], None]) -> bool:
    """Run `effect` unless `consumer` has had this event, or a newer one of the same aggregate; True if it ran.

    The note that the event was handled and the effect's writes commit together. A call inside the effect for the same
    consumer and event runs straight through, so that an entrypoint and a handler may both ask.
    """
    if _running.get() == (consumer, event.id):
        effect()
        return True
    outcome = in_transaction(lambda: _handle(consumer, event, effect))
    HANDLED.labels(consumer, event.type, outcome.value).inc()
    return outcome is Outcome.DONE


def _handle(consumer: str, event: Event, effect: Callable[[], None]) -> Outcome:
    if not _is_first(consumer, event):
        log.info("duplicate event skipped", consumer=consumer, event_id=event.id)
        return Outcome.DUPLICATE
    if not _is_newest(consumer, event):
        log.info("outdated event skipped", consumer=consumer, event_id=event.id, sequence=event.sequence)
        return Outcome.OUTDATED
    token = _running.set((consumer, event.id))
    try:
        effect()
    finally:
        _running.reset(token)
    return Outcome.DONE


def _is_first(consumer: str, event: Event) -> bool:
    # An upsert, because the error of a duplicate insert would abort the whole transaction.
    now = datetime.now(UTC)
    done = collection_of(InboxDocument).update_one(
        {"_id": f"{consumer}:{event.id}"}, {"$setOnInsert": {"at": now}}, upsert=True
    )
    return done.upserted_id is not None


def _is_newest(consumer: str, event: Event) -> bool:
    key = f"{consumer}:{event.source}:{event.subject}"
    seen = collection_of(PositionDocument).find_one({"_id": key})
    if seen is not None and event.sequence < seen["sequence"]:
        return False
    now = datetime.now(UTC)
    collection_of(PositionDocument).update_one(
        {"_id": key}, {"$set": {"sequence": event.sequence, "at": now}}, upsert=True
    )
    return True

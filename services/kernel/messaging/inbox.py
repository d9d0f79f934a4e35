"""The inbox: a consumer's effect happens once, however often its event arrives.

The sequences of an aggregate only grow, and its id is never given to another: what a consumer has handled is therefore
known from one number an aggregate, its position.
"""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from mongoengine import fields
from prometheus_client import Counter
from pymongo import ReturnDocument

from services.kernel.logging import get_logger
from services.kernel.messaging.envelope import Event
from services.kernel.storage.expiry import Expiry
from services.kernel.storage.mongo import StoredDocument, collection_of
from services.kernel.storage.transactions import in_transaction

HANDLED = Counter(
    "modelyard_events_handled_total",
    "Events that a consumer has answered; of duplicates, outdated and ignored ones nothing came",
    ["consumer", "type", "outcome"],
)
log = get_logger(__name__)
_running: ContextVar[tuple[str, str] | None] = ContextVar("inbox_running", default=None)


class PositionDocument(StoredDocument):
    """The newest event of one aggregate that one consumer has handled; the id is `<consumer>:<source>:<subject>`.

    `at` is when the last of its events came.
    """

    id = fields.StringField(primary_key=True)
    sequence = fields.LongField()
    at = fields.DateTimeField()
    meta: ClassVar[dict[str, object]] = {"collection": "inbox_positions"}
    expiry = Expiry("at", kept="inbox", index="forget")


class Outcome(StrEnum):
    """What became of an event that arrived; an ignored one is of the consumer's types, but does not concern it."""

    DONE = "done"
    DUPLICATE = "duplicate"
    OUTDATED = "outdated"
    IGNORED = "ignored"


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
    outcome = _advance(consumer, event)
    if outcome is not Outcome.DONE:
        log.info(f"{outcome.value} event skipped", consumer=consumer, event_id=event.id, sequence=event.sequence)
        return outcome
    token = _running.set((consumer, event.id))
    try:
        effect()
    finally:
        _running.reset(token)
    return outcome


def _advance(consumer: str, event: Event) -> Outcome:
    """Move the position on to the event, in one command; DONE when it was behind."""
    before = collection_of(PositionDocument).find_one_and_update(
        {"_id": f"{consumer}:{event.source}:{event.subject}"},
        {"$max": {"sequence": event.sequence}, "$set": {"at": datetime.now(UTC)}},
        projection={"sequence": 1},
        upsert=True,
        return_document=ReturnDocument.BEFORE,
    )
    if before is None or event.sequence > before["sequence"]:
        return Outcome.DONE
    return Outcome.DUPLICATE if event.sequence == before["sequence"] else Outcome.OUTDATED

"""The outbox: events that are committed together with the state they tell about, until the relay has published them."""

import json
from datetime import UTC, datetime
from typing import ClassVar, TypedDict, cast

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from mongoengine import fields
from pymongo import ASCENDING
from pymongo.collection import Collection

from services.kernel.context import current_traceparent, derived_traceparent
from services.kernel.ids import new_id
from services.kernel.messaging.envelope import Event
from services.kernel.storage.expiry import Expiry
from services.kernel.storage.mongo import StoredDocument, collection_of

UNSENT_ORDER = [("subject", ASCENDING), ("sequence", ASCENDING)]


class OutboxRow(TypedDict):
    """One event as stored. `data` is JSON text, so that BSON changes neither numbers nor keys."""

    _id: str
    type: str
    subject: str
    sequence: int
    time: datetime
    dataschema: str
    traceparent: str
    actor: str
    project: str
    data: str
    sent: bool


class OutboxDocument(StoredDocument):
    """Gives the collection its indexes; rows are written and read by pymongo, which is several times as fast."""

    id = fields.StringField(primary_key=True)
    subject = fields.StringField()
    sequence = fields.LongField()
    sent = fields.BooleanField()
    sent_at = fields.DateTimeField()
    meta: ClassVar[dict[str, object]] = {
        "collection": "outbox",
        "indexes": [
            {"fields": ["subject", "sequence"], "name": "unsent", "partialFilterExpression": {"sent": False}},
        ],
    }
    expiry = Expiry("sent_at", kept="outbox", index="forget_sent")


def rows() -> Collection[OutboxRow]:
    """The outbox of the service whose database is connected."""
    return cast("Collection[OutboxRow]", collection_of(OutboxDocument))


def append(*, event_type: str, aggregate_id: str, sequence: int, message: Message, project: str, actor: str) -> None:
    """Record one event in the caller's transaction.

    `event_type` is `<aggregate>.<event>`; `sequence` is the number of this event among its aggregate's, from 1.
    """
    aggregate = event_type.partition(".")[0]
    rows().insert_one(
        OutboxRow(
            _id=new_id("ev"),
            type=event_type,
            subject=f"{aggregate}/{aggregate_id}",
            sequence=sequence,
            time=datetime.now(UTC),
            dataschema=message.DESCRIPTOR.full_name,
            traceparent=current_traceparent(),
            actor=actor,
            project=project,
            data=json.dumps(MessageToDict(message), ensure_ascii=False),
            sent=False,
        )
    )


def to_event(row: OutboxRow, service: str) -> Event:
    """The event that a row stands for; the same row always gives the same event, id included.

    Its traceparent names the span of its publication, a child of what was going on when it happened.
    """
    time = row["time"]
    return Event(
        id=row["_id"],
        source=f"modelyard/{service}",
        type=row["type"],
        subject=row["subject"],
        time=time if time.tzinfo else time.replace(tzinfo=UTC),
        sequence=row["sequence"],
        dataschema=row["dataschema"],
        traceparent=derived_traceparent(row["traceparent"], row["_id"]),
        actor=row["actor"],
        project=row["project"],
        data=json.loads(row["data"]),
    )

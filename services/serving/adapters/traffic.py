"""What all doors counted, in MongoDB."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import mongoengine
from pymongo import UpdateOne

from services.kernel.storage.expiry import Expiry
from services.kernel.storage.mongo import BsonDocument, StoredDocument, collection_of
from services.kernel.traffic import HOUR_S, MINUTE_S, Cell, Outcome
from services.serving.statistics import Point, Window

_INDEX = ("service", "start")


class TrafficMinuteDocument(StoredDocument):
    """A cell of one source; the id is `service/start/source`."""

    id = mongoengine.StringField(primary_key=True)
    service = mongoengine.StringField()
    start = mongoengine.DateTimeField()
    meta: ClassVar[dict[str, object]] = {"collection": "traffic_minutes", "indexes": [_INDEX]}
    expiry = Expiry("start", kept="traffic_minutes", index="start_1")


class TrafficHourDocument(StoredDocument):
    """A cell of one source, for longer."""

    id = mongoengine.StringField(primary_key=True)
    service = mongoengine.StringField()
    start = mongoengine.DateTimeField()
    meta: ClassVar[dict[str, object]] = {"collection": "traffic_hours", "indexes": [_INDEX]}
    expiry = Expiry("start", kept="traffic_hours", index="start_1")


_DOCUMENTS: dict[int, type[StoredDocument]] = {MINUTE_S: TrafficMinuteDocument, HOUR_S: TrafficHourDocument}


class TrafficStore:
    def record(self, source: str, cells: Sequence[Cell]) -> None:
        """Keep what a source counted. Counts only grow: what was said before, or comes late, changes nothing."""
        for width_s, document in _DOCUMENTS.items():
            writes = [_write(source, cell) for cell in cells if cell.span.width_s == width_s]
            if writes:
                collection_of(document).bulk_write(writes, ordered=False)

    def read(self, service_id: str, window: Window) -> Iterator[Point]:
        """The cells of all sources in the window, in no order."""
        since = datetime.fromtimestamp(window.first, UTC)
        rows = collection_of(_DOCUMENTS[window.cell_s]).find({"service": service_id, "start": {"$gte": since}})
        for row in rows:
            outcomes = Counter({outcome: int(row.get(outcome.value, 0)) for outcome in Outcome})
            steps = Counter({int(step): int(count) for step, count in row.get("steps", {}).items()})
            yield Point(int(row["start"].timestamp()), outcomes, steps)


def _write(source: str, cell: Cell) -> UpdateOne:
    counts: BsonDocument = {outcome.value: count for outcome, count in cell.outcomes.items()}
    counts |= {f"steps.{step}": count for step, count in cell.steps.items()}
    start = datetime.fromtimestamp(cell.span.start, UTC)
    return UpdateOne(
        {"_id": f"{cell.subject}/{cell.span.start}/{source}"},
        {"$max": counts, "$setOnInsert": {"service": cell.subject, "start": start}},
        upsert=True,
    )

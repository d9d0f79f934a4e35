"""EventService."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable

from protos.event.v1 import event_pb2
from services.gateway.eventlog import models
from services.kernel.errors import InvalidArgument
from services.kernel.rights import require_caller
from services.kernel.storage.changes import ChangeFeed
from services.kernel.storage.mongo import BsonDocument

PAGE = 200
RECHECK_S = 5.0
_TYPE = re.compile(r"[a-z][a-z0-9_]*\.([a-z][a-z0-9_]*|\*)|\*", re.ASCII)


class EventRpc:
    """Events from a cursor on, live. `feed` wakes when the log grew."""

    def __init__(self, feed: ChangeFeed) -> None:
        self._feed = feed

    async def Subscribe(self, request: event_pb2.SubscribeRequest) -> AsyncIterator[event_pb2.Event]:
        query = {"$and": [type_query(request.types), models.visible_to(require_caller())]}
        async with self._feed.subscribe() as changes:
            cursor = int(request.cursor) if request.cursor else await asyncio.to_thread(models.last_cursor)
            while True:
                # Read before the rows: all up to here is either among them or does not match.
                head = await asyncio.to_thread(models.last_cursor)
                rows = await asyncio.to_thread(models.read_after, cursor, query, PAGE)
                for row in rows:
                    yield to_event(row)
                    cursor = int(row["_id"])
                if len(rows) < PAGE:
                    cursor = max(cursor, head)
                    await changes.wait(RECHECK_S)


def type_query(types: Iterable[str]) -> BsonDocument:
    """The query for these event types; `dataset.*` stands for all of one resource. Raises InvalidArgument."""
    wanted: list[BsonDocument] = []
    for index, name in enumerate(types):
        if _TYPE.fullmatch(name) is None:
            raise InvalidArgument.field(
                f"types[{index}]", f"`dataset.onlined` or `dataset.*` was expected, not {name[:80]!r}"
            )
        if name == "*":
            return {}
        aggregate, _, event = name.partition(".")
        wanted.append({"type": {"$regex": f"^{re.escape(aggregate)}\\."}} if event == "*" else {"type": name})
    return {"$or": wanted} if wanted else {}


def to_event(row: BsonDocument) -> event_pb2.Event:
    message = event_pb2.Event(
        cursor=str(row["_id"]),
        id=row["event_id"],
        type=row["type"],
        source=row["source"],
        subject=row["subject"],
        sequence=row["sequence"],
        actor=row["actor"],
        project=row["project"],
        data=json.dumps(row["data"], ensure_ascii=False, separators=(",", ":")),
        traceparent=row["traceparent"],
    )
    message.time.FromDatetime(row["time"])
    return message

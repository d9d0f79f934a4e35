"""How workloads, nodes, logs and metric points are stored."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import mongoengine
from bson import Binary
from pymongo import ReturnDocument

from protos.scheduler.v1 import workload_pb2
from services.kernel.errors import Conflict
from services.kernel.storage.documents import AggregateDocument, Repository
from services.kernel.storage.mongo import BsonDocument, StoredDocument, collection_of
from services.kernel.storage.objects import ObjectStore
from services.kernel.values import Resources
from services.kernel.wire import to_message
from services.scheduler.domain import LEASED, MetricPoint, Node, Queue, Workload, WorkloadState
from services.scheduler.handlers.queues import AMOUNTS, Total
from services.scheduler.telemetry import observe_workload

_INLINE_BYTES = 16 << 10
_CHUNK_BYTES = 1 << 20


class WorkloadDocument(AggregateDocument):
    meta: ClassVar[dict[str, object]] = {
        "collection": "workloads",
        "indexes": ["state", ["state", "ended_at"], "owner", {"fields": ["request_id"], "unique": True}],
    }


class NodeDocument(AggregateDocument):
    meta: ClassVar[dict[str, object]] = {"collection": "nodes"}


class QueueDocument(AggregateDocument):
    meta: ClassVar[dict[str, object]] = {"collection": "queues"}


class CounterDocument(StoredDocument):
    """A number that only grows."""

    id = mongoengine.StringField(primary_key=True)
    value = mongoengine.LongField()

    meta: ClassVar[dict[str, object]] = {"collection": "counters"}


class StreamDocument(StoredDocument):
    """How far a log or the points of a workload have come: `next` in all, `base` of them before the lease `fence`."""

    id = mongoengine.StringField(primary_key=True)
    fence = mongoengine.LongField()
    base = mongoengine.LongField()
    next = mongoengine.LongField()

    meta: ClassVar[dict[str, object]] = {"collection": "streams"}


class LogChunkDocument(StoredDocument):
    """A piece of a log, small ones with their bytes; larger ones lie in the object store."""

    workload_id = mongoengine.StringField()
    offset = mongoengine.LongField()
    size = mongoengine.LongField()
    data = mongoengine.BinaryField()

    meta: ClassVar[dict[str, object]] = {
        "collection": "log_chunks",
        "indexes": [{"fields": ["workload_id", "offset"], "unique": True}],
    }


class MetricPointDocument(StoredDocument):
    workload_id = mongoengine.StringField()
    index = mongoengine.LongField()
    name = mongoengine.StringField()

    meta: ClassVar[dict[str, object]] = {
        "collection": "metric_points",
        "indexes": [{"fields": ["workload_id", "index"], "unique": True}, ["workload_id", "name", "index"]],
    }


def workload_repository() -> Repository[Workload]:
    return Repository(
        WorkloadDocument,
        Workload,
        aggregate="workload",
        snapshot=lambda workload: to_message(workload, workload_pb2.Workload),
        observed=observe_workload,
    )


def node_repository() -> Repository[Node]:
    return Repository(NodeDocument, Node, aggregate="node", snapshot=None)


def queue_repository() -> Repository[Queue]:
    return Repository(QueueDocument, Queue, aggregate="queue", snapshot=None)


class StoredTotals:
    """What the workloads of each project come to, summed by the database."""

    def by_project(self) -> Mapping[str, Total]:
        pending = {"$eq": ["$state", WorkloadState.PENDING.value]}
        pipeline: list[BsonDocument] = [
            {"$match": {"state": {"$in": [WorkloadState.PENDING.value, *(state.value for state in LEASED)]}}},
            {
                "$group": {
                    "_id": "$project",
                    "waiting": {"$sum": {"$cond": [pending, 1, 0]}},
                    "running": {"$sum": {"$cond": [pending, 0, 1]}},
                    "since": {"$min": {"$cond": [pending, "$created_at", None]}},
                    **{amount: {"$sum": f"$lease.resources.{amount}"} for amount in AMOUNTS},
                }
            },
        ]
        return {
            row["_id"]: Total(
                used=Resources(*(int(row[amount]) for amount in AMOUNTS)),
                running=row["running"],
                waiting=row["waiting"],
                waiting_since=row["since"],
            )
            for row in collection_of(WorkloadDocument).aggregate(pipeline)
        }


class StoredFences:
    """The counter of leases. Two rounds that take from it at once conflict, and one repeats."""

    def take(self, count: int) -> int:
        """The first of `count` fences that follow each other."""
        found = collection_of(CounterDocument).find_one_and_update(
            {"_id": "fence"}, {"$inc": {"value": count}}, upsert=True, return_document=ReturnDocument.AFTER
        )
        assert found is not None  # upserted
        return int(found["value"]) - count + 1


def _stream(stream_id: str, fence: int) -> BsonDocument:
    """The stream under this fence; a new fence begins where the last one ended. Conflict (FENCED) for an older one."""
    found = collection_of(StreamDocument).find_one({"_id": stream_id})
    if found is None:
        return {"_id": stream_id, "fence": fence, "base": 0, "next": 0}
    if found["fence"] > fence:
        raise Conflict(f"The lease {fence} is not valid any more.", reason="FENCED")
    if found["fence"] < fence:
        found |= {"fence": fence, "base": found["next"]}
    return found


def _advance(stream: BsonDocument, count: int) -> None:
    stream["next"] += count
    collection_of(StreamDocument).replace_one({"_id": stream["_id"]}, stream, upsert=True)


class StoredLogs:
    """Logs as rows and objects `logs/<workload>/<offset>`; `append` is called inside a transaction."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def append(self, workload_id: str, fence: int, offset: int, data: bytes, limit: int) -> int:
        stream = _stream(f"log/{workload_id}", fence)
        known = stream["next"] - stream["base"]
        new = data[max(known - offset, 0) :] if offset <= known else b""
        if not new:
            return int(known)
        kept = new[: max(limit - stream["next"], 0)]
        if kept:
            self._write(workload_id, stream["next"], kept)
        _advance(stream, len(new))
        return int(known + len(new))

    def _write(self, workload_id: str, offset: int, data: bytes) -> None:
        row: BsonDocument = {"workload_id": workload_id, "offset": offset, "size": len(data)}
        if len(data) <= _INLINE_BYTES:
            row["data"] = Binary(data)
        else:
            self._store.put(_log_key(workload_id, offset), data)
        collection_of(LogChunkDocument).insert_one(row)

    def read(self, workload_id: str, offset: int) -> bytes:
        wanted = {"workload_id": workload_id, "offset": {"$gt": offset - _CHUNK_BYTES}}
        parts: list[bytes] = []
        at, room = offset, _CHUNK_BYTES
        for row in collection_of(LogChunkDocument).find(wanted).sort("offset"):
            if row["offset"] + row["size"] <= at:
                continue
            if row["offset"] > at or room <= 0:
                break
            part = self._bytes(workload_id, row)[at - row["offset"] :][:room]
            parts.append(part)
            at, room = at + len(part), room - len(part)
        return b"".join(parts)

    def remove(self, workload_id: str) -> None:
        """Objects first, so that a removal that was interrupted is found again by its rows."""
        for key in list(self._store.list(f"logs/{workload_id}/")):
            self._store.delete(key)
        collection_of(LogChunkDocument).delete_many({"workload_id": workload_id})
        collection_of(StreamDocument).delete_one({"_id": f"log/{workload_id}"})

    def _bytes(self, workload_id: str, row: BsonDocument) -> bytes:
        if row.get("data") is not None:
            return bytes(row["data"])
        with self._store.get(_log_key(workload_id, row["offset"])) as stream:
            # A put whose transaction was repeated may have left more than the row counts.
            return stream.read()[: row["size"]]


def _log_key(workload_id: str, offset: int) -> str:
    return f"logs/{workload_id}/{offset:020d}"


class StoredPoints:
    """Metric points as rows; `append` is called inside a transaction."""

    def append(self, workload_id: str, fence: int, points: Sequence[MetricPoint]) -> None:
        stream = _stream(f"points/{workload_id}", fence)
        known = stream["next"] - stream["base"]
        new = [point for point in points if point.index > known]
        if [point.index for point in new] != list(range(known + 1, known + 1 + len(new))):
            raise Conflict(f"Points must follow each other: {known + 1} is expected next.", reason="POINTS_MISSING")
        if not new:
            return
        rows = [
            {
                "workload_id": workload_id,
                "index": stream["base"] + point.index,
                "name": point.name,
                "step": point.step,
                "value": point.value,
                "time": point.time,
            }
            for point in new
        ]
        collection_of(MetricPointDocument).insert_many(rows, ordered=False)
        _advance(stream, len(new))

    def remove(self, workload_id: str) -> None:
        collection_of(MetricPointDocument).delete_many({"workload_id": workload_id})
        collection_of(StreamDocument).delete_one({"_id": f"points/{workload_id}"})

    def list(self, workload_id: str, *, name: str, after: int, limit: int) -> Sequence[MetricPoint]:
        query: BsonDocument = {"workload_id": workload_id, "index": {"$gt": after}}
        if name:
            query["name"] = name
        rows = collection_of(MetricPointDocument).find(query).sort("index").limit(limit)
        return [MetricPoint(row["name"], row["step"], row["value"], row["time"], row["index"]) for row in rows]

import asyncio

import pytest

from protos.event.v1 import event_pb2
from services.gateway.eventlog import models
from services.gateway.eventlog.models import visible_to
from services.gateway.eventlog.rpc import EventRpc, type_query
from services.kernel.context import Caller, acting_as
from services.kernel.errors import InvalidArgument
from services.kernel.storage.changes import ChangeFeed
from services.kernel.storage.mongo import BsonDocument


def test_types() -> None:
    assert type_query([]) == {}
    assert type_query(["*", "task.started"]) == {}
    assert type_query(["dataset.*", "task.started"]) == {
        "$or": [{"type": {"$regex": r"^dataset\."}}, {"type": "task.started"}]
    }


@pytest.mark.parametrize("name", ["dataset", "Dataset.onlined", "dataset.on*", ".*", "a.b.c", "dataset.onlined\n"])
def test_wrong_types(name: str) -> None:
    with pytest.raises(InvalidArgument):
        type_query([name])


def test_who_sees_what() -> None:
    assert visible_to(Caller("usr-1", roles=frozenset({"admin"}))) == {}
    assert visible_to(Caller("service:trainer", roles=frozenset({"service"}))) == {}
    own, shared = visible_to(Caller("usr-2"))["$or"]
    assert own == {"owner": "usr-2"}
    assert "VISIBILITY_PRIVATE" not in shared["visibility"]["$in"]


async def test_a_filter_that_matches_nothing_reads_each_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read_from: list[int] = []
    heads = iter([1000, 1005, 1005])
    read_three_times = asyncio.Event()
    loop, feed = asyncio.get_running_loop(), ChangeFeed(["log"])

    def read_after(cursor: int, _query: BsonDocument, _limit: int) -> list[BsonDocument]:
        read_from.append(cursor)
        if len(read_from) == 3:
            loop.call_soon_threadsafe(read_three_times.set)
        feed.wake()
        return []

    monkeypatch.setattr(models, "read_after", read_after)
    monkeypatch.setattr(models, "last_cursor", lambda: next(heads, 1005))
    with acting_as(Caller("usr-1")):
        source = EventRpc(feed).Subscribe(event_pb2.SubscribeRequest(cursor="7", types=["task.*"]))
        reading = asyncio.ensure_future(anext(source))
        async with asyncio.timeout(10):
            await read_three_times.wait()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert read_from[:3] == [7, 1000, 1005]

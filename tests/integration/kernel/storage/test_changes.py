"""The change feed on the real server."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from pymongo.errors import AutoReconnect
from pymongo.read_concern import ReadConcern

from services.kernel.storage import changes, mongo
from services.kernel.storage.changes import ChangeFeed
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def feed() -> Iterator[ChangeFeed]:
    made = ChangeFeed(["things"]).start()
    _quiet(made)
    yield made
    made.stop()


def _quiet(feed: ChangeFeed) -> None:
    """Wait until the feed is connected and has nothing to tell."""
    assert feed.wait(10)
    while feed.wait(0.3):
        pass


def _write(collection: str = "things") -> None:
    mongo.database()[collection].insert_one({"name": str(time.monotonic_ns())})


def test_a_write_wakes_and_other_collections_do_not(feed: ChangeFeed) -> None:
    _write("jobs")
    assert not feed.wait(0.5)
    begun = time.monotonic()
    threading.Timer(0.1, _write).start()
    assert feed.wait(10)
    assert time.monotonic() - begun < 5


def test_a_change_before_the_wait_is_not_missed(feed: ChangeFeed) -> None:
    _write()
    eventually(lambda: feed._count > 1, 5)
    assert feed.wait(0)


def test_every_thread_is_woken(feed: ChangeFeed) -> None:
    woken: list[bool] = []
    ready = threading.Barrier(4)

    def waits() -> None:
        feed.wait(0)
        ready.wait(5)
        woken.append(feed.wait(10))

    threads = [threading.Thread(target=waits) for _ in range(3)]
    for thread in threads:
        thread.start()
    ready.wait(5)
    _write()
    for thread in threads:
        thread.join(10)
    assert woken == [True, True, True]


async def test_coroutines(feed: ChangeFeed) -> None:
    async with feed.subscribe() as subscription:
        assert await subscription.wait(1)
        assert not await subscription.wait(0.3)
        await asyncio.to_thread(_write)
        assert await subscription.wait(10)
    assert not feed._subscribers


def _kill_streams() -> int:
    """Kill the feed's cursor on the server, as a restart would."""
    admin = mongo.client().get_database("admin", read_concern=ReadConcern("local"))
    streams = admin.aggregate(
        [
            {"$currentOp": {"idleCursors": True, "allUsers": True}},
            {"$match": {"cursor.originatingCommand.pipeline.0.$changeStream": {"$exists": True}}},
            {"$match": {"ns": {"$regex": f"^{mongo.database().name}\\."}}},
        ]
    )
    cursors = [operation["cursor"]["cursorId"] for operation in streams]
    for cursor in cursors:
        mongo.database().command({"killCursors": "$cmd.aggregate", "cursors": [cursor]})
    return len(cursors)


def test_resumes_after_the_stream_is_broken(feed: ChangeFeed) -> None:
    eventually(lambda: _kill_streams() > 0, 10)
    _write()
    assert feed.wait(10)
    _quiet_again(feed)
    _write()
    assert feed.wait(10)


def _quiet_again(feed: ChangeFeed) -> None:
    eventually(lambda: not feed.wait(0.3), 10)


def test_wakes_every_second_while_the_server_is_away(feed: ChangeFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise AutoReconnect("away")

    monkeypatch.setattr(changes, "database", away)
    mongo.client().drop_database(mongo.database().name)  # invalidates the stream for good
    assert feed.wait(5)
    assert feed.wait(5)
    monkeypatch.undo()
    _write()
    assert feed.wait(5)


def test_feeds_share_a_stream_and_each_hears_its_own(feed: ChangeFeed) -> None:
    other = ChangeFeed(["jobs"], operations=["insert"]).start()
    try:
        _quiet(other)
        _quiet_again(feed)
        mongo.database()["jobs"].insert_one({"_id": 1})
        assert other.wait(10)
        assert not feed.wait(0.3)
        mongo.database()["jobs"].update_one({"_id": 1}, {"$set": {"done": True}})
        assert not other.wait(0.5)
        eventually(lambda: _kill_streams() == 1, 10)
        _write()
        assert feed.wait(10)
    finally:
        other.stop()

"""Waking up when something was written: one change stream a process instead of polling in every loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from pymongo.change_stream import ChangeStream
from pymongo.errors import OperationFailure, PyMongoError

from services.kernel.logging import get_logger
from services.kernel.storage.mongo import BsonDocument, database

FALLBACK_SECONDS = 1.0
_AWAIT_MS = 1000
_log = get_logger(__name__)


class ChangeFeed:
    """Wakes threads and coroutines after any write to the given collections of this service's database.

    It says that something changed, not what: the woken read what they need. `operations` (such as `insert`) are those
    that matter, all when empty. While the server is away it wakes every second, so nobody waits for ever. All feeds of
    a process share one stream, for the server pays for each stream at every write, whatever it is about. The stream
    resumes where it broke off, and wakes everybody after each reconnection.
    """

    def __init__(self, collections: Sequence[str], *, operations: Sequence[str] = (), name: str = "changes") -> None:
        self.collections = frozenset(collections)
        self.name = name
        self._operations = frozenset(operations)
        self._changed = threading.Condition()
        self._count = 0
        self._seen = threading.local()
        self._subscribers: set[Subscription] = set()

    def start(self) -> "ChangeFeed":
        _stream.add(self)
        return self

    def stop(self, timeout: float = 5.0) -> None:
        """Leave the stream, which ends with its last feed, and wake all who wait."""
        _stream.remove(self, timeout)
        self.wake()

    @property
    def generation(self) -> int:
        """Grows with each wake: what was read before is the newest state as long as this stays the same."""
        with self._changed:
            return self._count

    def concerns(self, collection: str, operation: str) -> bool:
        return collection in self.collections and (not self._operations or operation in self._operations)

    def wake(self) -> None:
        """Wake everybody now; also for use after one's own commit, which is faster than the stream."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()
            subscribers = list(self._subscribers)
        for subscriber in subscribers:
            subscriber._wake_threadsafe()

    def wait(self, timeout: float) -> bool:
        """Wait in this thread for a change since its last call returned; False after `timeout` seconds without."""
        with self._changed:
            seen: int = getattr(self._seen, "count", 0)
            changed = self._changed.wait_for(lambda: self._count > seen, timeout)
            self._seen.count = self._count
            return changed

    def subscribe(self) -> "Subscription":
        """For coroutines: `async with feed.subscribe() as changes: await changes.wait(1.0)`, or `async for`."""
        subscription = Subscription(self, asyncio.get_running_loop())
        with self._changed:
            self._subscribers.add(subscription)
        return subscription

    def _forget(self, subscription: "Subscription") -> None:
        with self._changed:
            self._subscribers.discard(subscription)


class _SharedStream:
    """The change stream of this process, and the thread that reads it while there are feeds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._feeds: tuple[ChangeFeed, ...] = ()
        self._thread: threading.Thread | None = None
        self._resume: BsonDocument | None = None
        self._connected: frozenset[ChangeFeed] = frozenset()

    def add(self, feed: ChangeFeed) -> None:
        with self._lock:
            self._feeds = (*self._feeds, feed)
            if self._thread is None:
                self._resume = None
                self._thread = threading.Thread(target=self._run, name="changes", daemon=True)
                self._thread.start()

    def remove(self, feed: ChangeFeed, timeout: float) -> None:
        with self._lock:
            self._feeds = tuple(other for other in self._feeds if other is not feed)
            last = None if self._feeds else self._thread
        if last is not None and last is not threading.current_thread():
            last.join(timeout)

    def _wake_all(self) -> None:
        self._connected = frozenset()
        self._wake_new()

    def _wake_new(self) -> None:
        """Wake the feeds to which the stream is new; to the others it goes on where it was."""
        feeds = self._feeds
        for feed in feeds:
            if feed not in self._connected:
                feed.wake()
        self._connected = frozenset(feeds)

    def _goes_on(self) -> bool:
        """Whether there are feeds left; otherwise the next feed starts a thread of its own."""
        with self._lock:
            mine = self._thread is threading.current_thread()
            if mine and not self._feeds:
                self._thread = None
            return mine and bool(self._feeds)

    def _run(self) -> None:
        while self._goes_on():
            collections = self._wanted()
            try:
                with database().watch(
                    _pipeline(collections), resume_after=self._resume, max_await_time_ms=_AWAIT_MS
                ) as stream:
                    self._remember(stream)
                    self._wake_new()
                    self._follow(stream, collections)
            except PyMongoError as error:
                if isinstance(error, OperationFailure):
                    # The place to resume from is gone (oplog rolled over, database dropped): go on from now.
                    self._resume = None
                _log.warning("change_feed_interrupted", error=str(error)[:200])
                self._wake_all()
                self._connected = frozenset()
                threading.Event().wait(FALLBACK_SECONDS)

    def _remember(self, stream: "ChangeStream[BsonDocument]") -> None:
        token = stream.resume_token
        self._resume = dict(token) if token is not None else None

    def _wanted(self) -> frozenset[str]:
        return frozenset[str]().union(*(feed.collections for feed in self._feeds))

    def _follow(self, stream: "ChangeStream[BsonDocument]", collections: frozenset[str]) -> None:
        """Wake whom a change concerns, until a feed wants other collections than the stream was opened for."""
        while stream.alive and self._wanted() == collections and self._feeds:
            change = stream.try_next()
            self._remember(stream)
            if change is None:
                continue
            if change["operationType"] == "invalidate":
                self._resume = None
                self._wake_all()
                return
            for feed in self._feeds:
                if feed.concerns(change["ns"]["coll"], change["operationType"]):
                    feed.wake()


def _pipeline(collections: frozenset[str]) -> list[Mapping[str, Any]]:
    """Only that and where something changed: the documents themselves stay at the server."""
    return [
        {"$match": {"ns.coll": {"$in": sorted(collections)}}},
        {"$project": {"_id": 1, "operationType": 1, "ns": 1}},
    ]


_stream = _SharedStream()


class Subscription:
    """A coroutine's view of a feed. The first `wait` returns at once: something may have changed before."""

    def __init__(self, feed: ChangeFeed, loop: asyncio.AbstractEventLoop) -> None:
        self._feed = feed
        self._loop = loop
        self._event = asyncio.Event()
        self._event.set()
        self._closed = False

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait for a change since the last call returned; False after `timeout` seconds without."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True

    def close(self) -> None:
        self._closed = True
        self._feed._forget(self)
        self._event.set()

    def _wake_threadsafe(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:  # the loop was closed without unsubscribing
            self._feed._forget(self)

    def __aiter__(self) -> AsyncIterator[None]:
        return self

    async def __anext__(self) -> None:
        await self.wait()
        if self._closed:
            raise StopAsyncIteration

    async def __aenter__(self) -> "Subscription":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

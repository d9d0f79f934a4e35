"""Waking up when something was written: one change stream a process instead of polling in every loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType

from pymongo.change_stream import ChangeStream
from pymongo.errors import OperationFailure, PyMongoError

from services.kernel.logging import get_logger
from services.kernel.storage.mongo import BsonDocument, database

FALLBACK_SECONDS = 1.0
_log = get_logger(__name__)


class ChangeFeed:
    """Wakes threads and coroutines after any write to the given collections of this service's database.

    It says that something changed, not what: the woken read what they need. While the server is away it wakes every
    second, so nobody waits for ever. The stream resumes where it broke off, and wakes after each reconnection.
    """

    def __init__(
        self, collections: Sequence[str], pipeline: Sequence[Mapping[str, object]] = (), *, name: str = "changes"
    ) -> None:
        self._pipeline: list[Mapping[str, object]] = [{"$match": {"ns.coll": {"$in": list(collections)}}}, *pipeline]
        self._changed = threading.Condition()
        self._count = 0
        self._seen = threading.local()
        self._subscribers: set[Subscription] = set()
        self._stopping = threading.Event()
        self._resume: BsonDocument | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> "ChangeFeed":
        self._thread.start()
        return self

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread and wake all who wait."""
        self._stopping.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join(timeout)

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

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with database().watch(self._pipeline, resume_after=self._resume, max_await_time_ms=1000) as stream:
                    self.wake()
                    self._follow(stream)
            except PyMongoError as error:
                if isinstance(error, OperationFailure):
                    # The place to resume from is gone (oplog rolled over, database dropped): go on from now.
                    self._resume = None
                _log.warning("change_feed_interrupted", error=str(error)[:200])
                self.wake()
                self._stopping.wait(FALLBACK_SECONDS)

    def _follow(self, stream: "ChangeStream[BsonDocument]") -> None:
        while stream.alive and not self._stopping.is_set():
            change = stream.try_next()
            token = stream.resume_token
            self._resume = dict(token) if token is not None else None
            if change is not None:
                self.wake()
                if change["operationType"] == "invalidate":
                    self._resume = None
                    return


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

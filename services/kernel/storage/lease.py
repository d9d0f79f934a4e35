"""One active process a role: a lease in the database, with a fencing token that only grows."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import ClassVar

import mongoengine
import pymongo
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from services.kernel.errors import Conflict
from services.kernel.logging import get_logger
from services.kernel.storage.holders import is_gone
from services.kernel.storage.mongo import StoredDocument, collection_of

DEFAULT_TTL = 6.0
TRY_EVERY = 1.0
"""Seconds between the attempts of a process that waits for the lease: it has it at most DEFAULT_TTL + TRY_EVERY after
the last renewal of a holder that was killed or paused."""

_log = get_logger(__name__)


class ControlLeaseDocument(StoredDocument):
    """Who holds the lease `id`, until when (server time), and the number of times it has changed hands."""

    id = mongoengine.StringField(primary_key=True)
    holder = mongoengine.StringField()
    token = mongoengine.LongField()
    expires_at = mongoengine.DateTimeField()

    meta: ClassVar[dict[str, object]] = {"collection": "control_leases"}


class ControlLease:
    """A named lease as seen by one holder. `holder` must be unique to the process; `ttl` is in seconds.

    Expiry is judged by the database server's clock, so the clocks of the holders do not matter. The lease of a process
    that is known to have ended is free at once.
    """

    def __init__(self, name: str, holder: str, ttl: float = DEFAULT_TTL) -> None:
        self.name = name
        self.holder = holder
        self.ttl = ttl
        self.token = 0

    @property
    def _until(self) -> dict[str, object]:
        return {"$add": ["$$NOW", round(self.ttl * 1000)]}

    def acquire(self) -> int:
        """Take the lease if it is free, expired, or its holder gone. The new token, or 0 when another holds it."""
        leases = collection_of(ControlLeaseDocument)
        # An upsert must not compare with the server's clock, so the row is made first, expired.
        with suppress(DuplicateKeyError):
            leases.update_one(
                {"_id": self.name},
                {"$setOnInsert": {"holder": "", "token": 0, "expires_at": datetime.fromtimestamp(0, UTC)}},
                upsert=True,
            )
        held = leases.find_one({"_id": self.name})
        gone = [str(held["holder"])] if held and is_gone(str(held["holder"])) else []
        free = {"$or": [{"$lt": ["$expires_at", "$$NOW"]}, {"$in": ["$holder", [self.holder, *gone]]}]}
        taken = {
            "holder": {"$literal": self.holder},
            "expires_at": self._until,
            "token": {"$add": ["$token", 1]},
        }
        found = leases.find_one_and_update(
            {"_id": self.name, "$expr": free}, [{"$set": taken}], return_document=ReturnDocument.AFTER
        )
        self.token = int(found["token"]) if found else 0
        return self.token

    def renew(self) -> bool:
        """Prolong the lease; False when it is another's (it is still ours after expiry if nobody took it)."""
        result = collection_of(ControlLeaseDocument).update_one(
            {"_id": self.name, "token": self.token, "holder": self.holder}, [{"$set": {"expires_at": self._until}}]
        )
        return result.matched_count == 1

    def release(self) -> None:
        """Give the lease up, so that another need not wait for its expiry."""
        collection_of(ControlLeaseDocument).update_one(
            {"_id": self.name, "token": self.token, "holder": self.holder},
            [{"$set": {"holder": "", "expires_at": {"$add": ["$$NOW", -1]}}}],
        )

    def fenced(self, token: int | None = None) -> None:
        """Inside a transaction: let it commit only while `token` is the newest. Conflict (FENCED) otherwise.

        It writes to the lease, so a take-over that happens meanwhile makes this transaction or itself repeat.
        """
        held = self.token if token is None else token
        result = collection_of(ControlLeaseDocument).update_one(
            {"_id": self.name, "token": held, "holder": self.holder}, {"$inc": {"guarded": 1}}
        )
        if result.matched_count == 0:
            raise Conflict(f"The lease {self.name} has passed to another process.", reason="FENCED")


class Holder:
    """A thread that keeps acquiring the lease and tells when it is held and when it is lost.

    `on_acquired(token)` and `on_lost()` are called in this thread and must return soon (they start and stop other
    threads). The lease counts as lost when it could not be renewed in time, before the server lets another take it.
    """

    def __init__(self, lease: ControlLease, on_acquired: Callable[[int], None], on_lost: Callable[[], None]) -> None:
        self.lease = lease
        self._on_acquired = on_acquired
        self._on_lost = on_lost
        self._stopping = threading.Event()
        self._valid_until = 0.0
        self._held = False
        self.asked_at = time.time()
        """When the store last answered, in seconds since the epoch."""
        self._thread = threading.Thread(target=self._run, name=f"lease-{lease.name}", daemon=True)

    @property
    def held(self) -> bool:
        return self._held and time.monotonic() < self._valid_until

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Lose the lease in order: on_lost, then release."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._step()
            except Exception:  # noqa: BLE001  # a failing callback must not end the thread while the lease is held
                _log.exception("lease_callback_failed", lease=self.lease.name)
            self._stopping.wait(self.lease.ttl / 4 if self._held else min(self.lease.ttl / 4, TRY_EVERY))
        if self._held:
            self._lose("stopped")
            try:
                with pymongo.timeout(self.lease.ttl / 4):
                    self.lease.release()
            except PyMongoError:
                _log.warning("lease_release_failed", lease=self.lease.name)

    def _step(self) -> None:
        begun = time.monotonic()
        try:
            with pymongo.timeout(self.lease.ttl / 4):
                ours = self.lease.renew() if self._held else bool(self.lease.acquire())
        except PyMongoError as error:
            _log.warning("lease_store_away", lease=self.lease.name, error=str(error)[:200])
            # One more round trip may take ttl / 4 and starts ttl / 4 from now.
            if self._held and begun + self.lease.ttl / 2 >= self._valid_until:
                self._lose("not renewed in time")
            return
        self.asked_at = time.time()
        if not ours:
            if self._held:
                self._lose("taken by another")
            return
        self._valid_until = begun + self.lease.ttl
        if not self._held:
            self._held = True
            _log.info("lease_acquired", lease=self.lease.name, token=self.lease.token)
            self._on_acquired(self.lease.token)

    def _lose(self, why: str) -> None:
        self._held = False
        _log.warning("lease_lost", lease=self.lease.name, why=why)
        self._on_lost()

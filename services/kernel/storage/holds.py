"""Holds on the object store: while one is in force, nothing that a snapshot of the databases may name is removed.

A backup takes a hold, reads the databases as they were at one moment after that, and copies objects afterwards. Whoever
removes objects asks `held` after the last reference to them is gone and before each removal (or small batch of them);
what is still referred to by the snapshot then stays, and is removed when the hold is over.
"""

import threading
from types import TracebackType
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from services.kernel.logging import get_logger
from services.kernel.storage import mongo
from services.kernel.storage.migrations import OPERATION

TTL_S = 60.0
_log = get_logger(__name__)

Client = MongoClient[dict[str, Any]]


def _holds(client: Client) -> Collection[dict[str, Any]]:
    return client[OPERATION]["holds"]


def held(client: Client) -> bool:
    """Whether objects must stay for now, by the clock of the database server."""
    return _holds(client).find_one({"$expr": {"$gt": ["$expires_at", "$$NOW"]}}, {"_id": 1}) is not None


def objects_held() -> bool:
    """The same, asked through the connection of this process."""
    return held(mongo.client())


class Hold:
    """A hold in force inside `with`; it ends by itself TTL_S seconds after its process was killed."""

    def __init__(self, client: Client, name: str, ttl_s: float = TTL_S) -> None:
        self._client = client
        self._name = name
        self._ttl_s = ttl_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"hold-{name}", daemon=True)

    def __enter__(self) -> "Hold":
        self._set(upsert=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(self._ttl_s)
        _holds(self._client).delete_one({"_id": self._name})

    def was_kept(self) -> bool:
        """Whether it has been in force all the time until now; if not, what was read meanwhile must not be trusted."""
        return self._set(upsert=False)

    def _set(self, *, upsert: bool) -> bool:
        until = {"expires_at": {"$add": ["$$NOW", round(self._ttl_s * 1000)]}}
        still = {} if upsert else {"$expr": {"$gt": ["$expires_at", "$$NOW"]}}
        return (
            _holds(self._client)
            .update_one({"_id": self._name, **still}, [{"$set": until}], upsert=upsert)
            .matched_count
            == 1
        )

    def _keep(self) -> None:
        while not self._ended.wait(self._ttl_s / 4):
            try:
                if not self._set(upsert=False):
                    return
            except PyMongoError as error:
                _log.warning("hold_not_renewed", hold=self._name, error=str(error)[:200])

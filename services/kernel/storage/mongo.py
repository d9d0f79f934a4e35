"""The MongoDB connection of a process and the collections of its documents."""

import importlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

import mongoengine
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    AutoReconnect,
    CollectionInvalid,
    ConnectionFailure,
    OperationFailure,
)
from pymongo.uri_parser import parse_uri

from services.kernel.config import KernelSettings
from services.kernel.errors import Unavailable
from services.kernel.storage import migrations
from services.kernel.storage.expiry import Expiry, ensure_expiry
from services.kernel.storage.monitoring import CommandTimes

T = TypeVar("T")
BsonDocument = dict[str, Any]

_START_LIMIT = 60.0
_KERNEL_DOCUMENTS = (
    "services.kernel.storage.idempotency",
    "services.kernel.storage.jobs",
    "services.kernel.storage.lease",
    "services.kernel.messaging.outbox",
    "services.kernel.messaging.inbox",
    "services.kernel.messaging.queues",
)


class StoredDocument(mongoengine.DynamicDocument):  # type: ignore[misc]  # mongoengine has no types
    """Base of every stored document: unknown fields are tolerated, indexes are made by `ensure_collections` only.

    An index made on first use would fail inside a transaction.
    """

    meta: ClassVar[dict[str, object]] = {"abstract": True, "strict": False, "auto_create_index": False}
    expiry: ClassVar[Expiry | None] = None


_service = _uri = ""
_connecting = threading.Lock()


def connect(settings: KernelSettings, service: str, *, any_state: bool = False) -> None:
    """Connect this process to the database `modelyard_<service>` and make the collections of its documents.

    The database must be of this release (`migrations.require_current`) and must not be in the middle of a restore:
    FailedPrecondition otherwise. `any_state` is for the commands that bring it there.

    The roles of a process connect once together: connecting again to the same database only makes what is missing.
    Write concern is the server's default, which is majority on a replica set: a concern of the client would be sent
    with each statement inside a bound transaction, and the server refuses that. Raises Unavailable when there is no
    server within a minute, ValueError for a URI with `w`.
    """
    with _connecting:
        _connect(settings.mongo_uri.get_secret_value(), service)
    if not any_state:
        _when_it_answers(lambda: _require_usable(service))
    for module in _KERNEL_DOCUMENTS:
        importlib.import_module(module)
    ensure_collections(_documents_of(service))


def _connect(uri: str, service: str) -> None:
    global _service, _uri  # one database a process, like mongoengine's default connection
    if (service, uri) == (_service, _uri):
        return
    if any(option.lower() in {"w", "wtimeoutms", "journal"} for option in parse_uri(uri, validate=False)["options"]):
        raise ValueError("the MongoDB URI must not set a write concern (w, wTimeoutMS, journal)")
    mongoengine.disconnect()
    mongoengine.connect(
        db=f"modelyard_{service}",
        host=uri,
        alias="default",
        tz_aware=True,
        uuidRepresentation="standard",
        readConcernLevel="majority",
        retryWrites=True,
        retryReads=True,
        serverSelectionTimeoutMS=15_000,
        connectTimeoutMS=5_000,
        socketTimeoutMS=60_000,
        maxPoolSize=64,
        # copies are told apart in the server's log, profile and list of operations
        appname=f"modelyard-{service}@{socket.gethostname()[:60]}:{os.getpid()}",
        event_listeners=[CommandTimes()],
    )
    _service, _uri = service, uri


def disconnect() -> None:
    """Close the connection; for tests and for processes that end."""
    global _service, _uri  # noqa: PLW0603
    mongoengine.disconnect()
    _service = _uri = ""


def service_name() -> str:
    """The service that this process connected as; empty before `connect`."""
    return _service


def client() -> "MongoClient[BsonDocument]":
    found: MongoClient[BsonDocument] = mongoengine.get_connection()
    return found


def database() -> Database[BsonDocument]:
    found: Database[BsonDocument] = mongoengine.get_db()
    return found


def collection_of(document: type[StoredDocument]) -> Collection[BsonDocument]:
    """The pymongo collection behind a document class."""
    found: Collection[BsonDocument] = document._get_collection()
    return found


def _documents_of(service: str) -> list[type[StoredDocument]]:
    """All document classes imported so far that are this service's or the kernel's (or are no service's at all)."""
    found: list[type[StoredDocument]] = []
    waiting: list[type[StoredDocument]] = list(mongoengine.Document.__subclasses__())
    while waiting:
        document = waiting.pop()
        waiting.extend(document.__subclasses__())
        owner = document.__module__.split(".")
        foreign = owner[0] == "services" and owner[1] not in ("kernel", service)
        if not document._meta.get("abstract") and not foreign:
            found.append(document)
    return found


def ensure_collections(documents: Iterable[type[StoredDocument]]) -> None:
    """Create collections and indexes where missing. Waits up to a minute for a server that still starts."""
    documents = list(documents)
    _when_it_answers(lambda: _ensure_collections(documents))


def _ensure_collections(documents: Iterable[type[StoredDocument]]) -> None:
    existing = set(database().list_collection_names())
    for document in documents:
        _ensure_collection(document, existing)


def _require_usable(service: str) -> None:
    migrations.require_restored(client())
    migrations.require_current(database(), migrations.declared(service))


def _when_it_answers(work: Callable[[], None]) -> None:
    """Do what may be repeated, as soon as the server answers; Unavailable when it does not within a minute."""
    deadline = time.monotonic() + _START_LIMIT
    while True:
        try:
            work()
        except (AutoReconnect, ConnectionFailure) as error:
            if time.monotonic() > deadline:
                raise Unavailable("The database does not answer.") from error
            time.sleep(0.5)
        else:
            return


def _ensure_collection(document: type[StoredDocument], existing: set[str]) -> None:
    name: str = document._get_collection_name()
    if name not in existing:
        try:
            database().create_collection(name)
        except CollectionInvalid:
            pass  # another process made it in between
        except OperationFailure as error:
            if error.code != 48:  # NamespaceExists, by the same race
                raise
    document.ensure_indexes()
    if document.expiry is not None:
        ensure_expiry(collection_of(document), document.expiry)

"""The MongoDB connection of a process and its transactions."""

import importlib
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import mongoengine
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    AutoReconnect,
    CollectionInvalid,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from services.kernel import tracing
from services.kernel.config import KernelSettings
from services.kernel.errors import Unavailable
from services.kernel.logging import get_logger
from services.kernel.storage import migrations
from services.kernel.storage.expiry import Expiry, ensure_expiry
from services.kernel.storage.monitoring import RETRIES, TRANSACTIONS, CommandTimes

T = TypeVar("T")
BsonDocument = dict[str, Any]

TRANSACTION_LIMIT = 30.0
"""Seconds during which a transaction is repeated before the caller is told that the database is busy."""

_START_LIMIT = 60.0
_KERNEL_DOCUMENTS = (
    "services.kernel.storage.idempotency",
    "services.kernel.storage.jobs",
    "services.kernel.storage.lease",
    "services.kernel.messaging.outbox",
    "services.kernel.messaging.inbox",
    "services.kernel.messaging.queues",
)
_WRITE_CONFLICT = 112
_MAX_TIME_EXPIRED = 50
_log = get_logger(__name__)


class StoredDocument(mongoengine.DynamicDocument):  # type: ignore[misc]  # mongoengine has no types
    """Base of every stored document: unknown fields are tolerated, indexes are made by `ensure_collections` only.

    An index made on first use would fail inside a transaction.
    """

    meta: ClassVar[dict[str, object]] = {"abstract": True, "strict": False, "auto_create_index": False}
    expiry: ClassVar[Expiry | None] = None


@dataclass
class _Running:
    """The transaction that runs in this context."""

    session: ClientSession
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    after_rollback: list[Callable[[], None]] = field(default_factory=list)


_running: ContextVar[_Running | None] = ContextVar("running_transaction", default=None)
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


def in_transaction(work: Callable[[], T]) -> T:
    """Run `work` in a transaction; joins the one that runs already.

    All MongoEngine and pymongo calls of this thread (or greenlet) inside `work` take part. `work` may run several
    times, so it must have no effect outside the database: use `on_commit` for those. Raises what `work` raises, and
    Unavailable when conflicts or lost connections go on for TRANSACTION_LIMIT seconds.
    """
    if _running.get() is not None:
        return work()
    with tracing.span("transaction"), TRANSACTIONS.time():
        return _in_new_transaction(work)


def _in_new_transaction(work: Callable[[], T]) -> T:
    deadline = time.monotonic() + TRANSACTION_LIMIT
    attempt = 0
    while True:
        try:
            with client().start_session() as session:
                running = _Running(session)
                result = _attempt(running, work, deadline)
        except PyMongoError as error:
            if not _transient(error):
                raise
            attempt += 1
            RETRIES.inc()
            pause = random.uniform(0.5, 1.0) * min(0.002 * 2 ** min(attempt, 8), 0.5)  # noqa: S311
            if time.monotonic() + pause > deadline:
                raise Unavailable("The database is too busy; repeat the request.", reason="TRANSACTION_BUSY") from error
            time.sleep(pause)
        else:
            _call_all(running.after_commit)
            return result


def _attempt(running: _Running, work: Callable[[], T], deadline: float) -> T:
    session = running.session
    token = _running.set(running)
    try:
        with session.bind(end_session=False):
            session.start_transaction(
                read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority", wtimeout=20_000)
            )
            result = work()
            _commit(session, deadline)
    except BaseException:
        if session.in_transaction:
            session.abort_transaction()
        _call_all(reversed(running.after_rollback))
        raise
    finally:
        _running.reset(token)
    return result


def _commit(session: ClientSession, deadline: float) -> None:
    """Commit; an unknown result is resolved by committing again, which the server does at most once."""
    while True:
        try:
            session.commit_transaction()
        except PyMongoError as error:
            expired = isinstance(error, OperationFailure) and error.code == _MAX_TIME_EXPIRED
            unknown = error.has_error_label("UnknownTransactionCommitResult") and not expired
            if not unknown or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _transient(error: PyMongoError) -> bool:
    return error.has_error_label("TransientTransactionError") or (
        isinstance(error, OperationFailure) and error.code == _WRITE_CONFLICT
    )


def _call_all(callbacks: Iterable[Callable[[], None]]) -> None:
    for callback in callbacks:
        try:
            callback()
        except Exception:  # noqa: BLE001
            # The transaction is decided already: what follows it must not turn a success into an error.
            _log.exception("transaction_callback_failed")


def running_transaction() -> bool:
    return _running.get() is not None


def on_commit(callback: Callable[[], None]) -> None:
    """Call after the outermost transaction has committed, or at once when none runs."""
    running = _running.get()
    if running is None:
        callback()
    else:
        running.after_commit.append(callback)


def on_rollback(callback: Callable[[], None]) -> None:
    """Call when the running attempt is given up (it may be repeated): to undo changes of objects in memory."""
    running = _running.get()
    if running is not None:
        running.after_rollback.append(callback)

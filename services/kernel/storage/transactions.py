"""Transactions of the MongoDB connection."""

import random
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from services.kernel import tracing
from services.kernel.errors import Unavailable
from services.kernel.logging import get_logger
from services.kernel.storage.mongo import client
from services.kernel.storage.monitoring import RETRIES, TRANSACTIONS

T = TypeVar("T")

TRANSACTION_LIMIT = 30.0
"""Seconds during which a transaction is repeated before the caller is told that the database is busy."""

_WRITE_CONFLICT = 112
_MAX_TIME_EXPIRED = 50
_log = get_logger(__name__)


@dataclass
class _Running:
    """The transaction that runs in this context."""

    session: ClientSession
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    after_rollback: list[Callable[[], None]] = field(default_factory=list)


_running: ContextVar[_Running | None] = ContextVar("running_transaction", default=None)


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

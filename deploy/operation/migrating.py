"""Brings all databases of the platform to this release."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from pymongo.errors import DuplicateKeyError

from deploy.operation.errors import OperationError
from deploy.operation.servers import SERVICES, Client, database_of
from services.kernel.ids import new_id
from services.kernel.storage.migrating import Plan, migrate, plan
from services.kernel.storage.migrations import OPERATION, ChangeDocuments, Migration, declared

Say = Callable[[str], None]
LEASE_S = 60


def planned(client: Client) -> list[Plan]:
    """What is to be done. DomainError (DATABASE_NEWER) when a database is ahead of the code."""
    return [step for service in SERVICES for step in plan(database_of(client, service), declared(service))]


def describe(step: Plan) -> str:
    if isinstance(step.migration, ChangeDocuments):
        return f"{step.database}: {step.migration.name}: {step.documents} documents of {step.migration.collection}"
    return f"{step.database}: {step.migration.name}"


def migrate_all(client: Client, say: Say) -> int:
    """Apply what is missing; how many migrations that were. Nobody else may use the databases."""
    if not planned(client):
        return 0
    with _turn(client) as keep:
        count = 0
        for service in SERVICES:
            database = database_of(client, service)
            name = database.name

            def told(migration: Migration, done: int, total: int, name: str = name) -> None:
                keep()
                documents = f": {done} of {total} documents" if isinstance(migration, ChangeDocuments) else ""
                say(f"{name}: {migration.name}{documents}")

            count += migrate(database, declared(service), told)
        return count


@contextmanager
def _turn(client: Client) -> Iterator[Callable[[], None]]:
    """One at a time; gives what is to be called at least every LEASE_S seconds to keep the turn."""
    turns = client[OPERATION]["turns"]
    me = new_id("turn")

    def until() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=LEASE_S)

    free = {"_id": "migrate", "until": {"$lt": datetime.now(UTC)}}
    try:
        turns.update_one(free, {"$set": {"holder": me, "until": until()}}, upsert=True)
    except DuplicateKeyError:
        raise OperationError("Another `modelyard migrate` is at work; this one is not needed.") from None

    def keep() -> None:
        if not turns.update_one({"_id": "migrate", "holder": me}, {"$set": {"until": until()}}).matched_count:
            raise OperationError("Another `modelyard migrate` has taken over, because this one was away for too long.")

    try:
        yield keep
    finally:
        turns.delete_one({"_id": "migrate", "holder": me})

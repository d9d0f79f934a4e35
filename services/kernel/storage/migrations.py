"""Migrations: how stored documents follow the code from release to release.

A service declares `MIGRATIONS` in `services/<name>/migrations.py`, oldest first; entries are only ever appended, their
names never change. `modelyard migrate` applies what a database lacks, while no process of the platform runs. A process
refuses to start on a database that lacks some of its migrations, and on one that has some it does not know.

Each database keeps one record of what was applied. A database that is made anew counts as up to date.
"""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from services.kernel.errors import FailedPrecondition

BsonDocument = dict[str, Any]
RECORDS = "migrations"
OPERATION = "modelyard_operation"
"""The database of what concerns the platform as a whole."""

_RECORD = "state"


@dataclass(frozen=True)
class ChangeDocuments:
    """Brings all documents of a collection to `to_version` of their `schema_version` (where it is absent, that is 1).

    `change` gets a document of the version before and returns its new form, without effect on anything else; it may be
    called again for a document whose new form was not stored.
    """

    name: str
    collection: str
    to_version: int
    change: Callable[[BsonDocument], BsonDocument]


@dataclass(frozen=True)
class ChangeDatabase:
    """Anything else, such as dropping an index whose options changed (`migrating.drop_index`).

    `apply` must be safe to repeat at any point, and to run twice at once.
    """

    name: str
    apply: Callable[[Database[BsonDocument]], None]


Migration = ChangeDocuments | ChangeDatabase


def declared(service: str) -> Sequence[Migration]:
    """The migrations of a service, oldest first."""
    module = f"services.{service}.migrations"
    if importlib.util.find_spec(f"services.{service}") is None or importlib.util.find_spec(module) is None:
        return ()
    found: Sequence[Migration] = importlib.import_module(module).MIGRATIONS
    return found


def applied(database: Database[BsonDocument]) -> frozenset[str]:
    """Names of the migrations that the database has been through; none for a database without a record."""
    record = database[RECORDS].find_one({"_id": _RECORD})
    return frozenset(record["applied"]) if record else frozenset()


def missing(database: Database[BsonDocument], migrations: Sequence[Migration]) -> list[Migration]:
    """What is to be applied, in order; nothing to a database that is still to be made.

    FailedPrecondition (DATABASE_NEWER) when the database is ahead of the code.
    """
    if not database.list_collection_names():
        return []
    done = applied(database)
    unknown = sorted(done - {migration.name for migration in migrations})
    if unknown:
        raise FailedPrecondition(
            f"The database {database.name} was written by a newer release (it has {', '.join(unknown)}): "
            "install that release, or restore a backup of this one.",
            reason="DATABASE_NEWER",
        )
    return [migration for migration in migrations if migration.name not in done]


def record_applied(database: Database[BsonDocument], names: Sequence[str]) -> None:
    database[RECORDS].update_one({"_id": _RECORD}, {"$addToSet": {"applied": {"$each": list(names)}}}, upsert=True)


def require_restored(client: MongoClient[BsonDocument]) -> None:
    """Refuse a platform into which a backup is being restored: FailedPrecondition (RESTORE_UNFINISHED)."""
    if client[OPERATION]["restores"].find_one({}, {"_id": 1}) is not None:
        raise FailedPrecondition(
            "A backup is being restored, or that was broken off: start the platform when `modelyard restore` has ended "
            "(it may be repeated).",
            reason="RESTORE_UNFINISHED",
        )


def require_current(database: Database[BsonDocument], migrations: Sequence[Migration]) -> None:
    """Refuse a database that this code must not work on; a new one is recorded as up to date.

    FailedPrecondition: DATABASE_OLDER or DATABASE_NEWER.
    """
    if not database.list_collection_names():
        # The first write ever, in one document: whoever comes next sees all of it, or an empty database.
        with suppress(DuplicateKeyError):
            database[RECORDS].insert_one({"_id": _RECORD, "applied": [migration.name for migration in migrations]})
    lacking = missing(database, migrations)
    if lacking:
        raise FailedPrecondition(
            f"The database {database.name} was written by an older release: stop the platform and run "
            f"`modelyard migrate` (it lacks {', '.join(migration.name for migration in lacking)}).",
            reason="DATABASE_OLDER",
        )

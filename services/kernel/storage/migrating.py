"""Applies migrations in batches, one conditional write a document: it can be killed and repeated at any point."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pymongo import ReplaceOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from services.kernel.storage.migrations import (
    BsonDocument,
    ChangeDatabase,
    ChangeDocuments,
    Migration,
    missing,
    record_applied,
)

BATCH = 500
_NAMESPACE_NOT_FOUND, _INDEX_NOT_FOUND = 26, 27
Progress = Callable[[Migration, int, int], None]
"""The migration, how many documents it has changed, and how many there were to change; 0 and 0 for another change."""


@dataclass(frozen=True)
class Plan:
    """One migration that a database lacks; `documents` is how many it would change, 0 for another kind of change."""

    database: str
    migration: Migration
    documents: int


def plan(database: Database[BsonDocument], migrations: Sequence[Migration]) -> list[Plan]:
    """What `migrate` would do. FailedPrecondition (DATABASE_NEWER) when the database is ahead of the code."""
    return [
        Plan(
            database.name,
            migration,
            database[migration.collection].count_documents(_below(migration))
            if isinstance(migration, ChangeDocuments)
            else 0,
        )
        for migration in missing(database, migrations)
    ]


def migrate(database: Database[BsonDocument], migrations: Sequence[Migration], progress: Progress) -> int:
    """Apply what is missing, in order; how many migrations that were. Nobody else may write to the database.

    Killed in between, it goes on where it was when it is called again; two that run at once do no harm.
    """
    todo = plan(database, migrations)
    for step in todo:
        if isinstance(step.migration, ChangeDatabase):
            step.migration.apply(database)
            progress(step.migration, 0, 0)
        else:
            _change_documents(database[step.migration.collection], step.migration, step.documents, progress)
        record_applied(database, [step.migration.name])
    return len(todo)


def drop_index(collection: Collection[BsonDocument], name: str) -> None:
    """For `ChangeDatabase`: drop the index of this name, if it is (still) there."""
    try:
        collection.drop_index(name)
    except OperationFailure as error:
        if error.code not in (_INDEX_NOT_FOUND, _NAMESPACE_NOT_FOUND):
            raise


def _below(migration: ChangeDocuments) -> BsonDocument:
    # A missing field is less than any number only for $not: documents without schema_version are of version 1.
    return {"schema_version": {"$not": {"$gte": migration.to_version}}}


def _change_documents(
    collection: Collection[BsonDocument], migration: ChangeDocuments, total: int, progress: Progress
) -> None:
    changed = 0
    progress(migration, changed, total)
    for batch in _batches(collection, migration):
        changed += collection.bulk_write([_replacement(body, migration) for body in batch], ordered=False).matched_count
        progress(migration, changed, total)


def _replacement(body: BsonDocument, migration: ChangeDocuments) -> ReplaceOne[BsonDocument]:
    before = {"_id": body["_id"], "schema_version": body.get("schema_version")}
    version = int(body.get("schema_version", 1))
    if version != migration.to_version - 1:
        raise ValueError(
            f"{migration.collection} {body['_id']!r} has schema_version {version}; "
            f"{migration.name} changes {migration.to_version - 1} to {migration.to_version}"
        )
    return ReplaceOne(
        before, migration.change(dict(body)) | {"_id": body["_id"], "schema_version": migration.to_version}
    )


def _batches(collection: Collection[BsonDocument], migration: ChangeDocuments) -> Iterator[list[BsonDocument]]:
    """By id, so that a document which another migrates at the same moment is not met again and again."""
    after: BsonDocument = {}
    while True:
        batch = list(collection.find({**_below(migration), **after}).sort("_id").limit(BATCH))
        if not batch:
            return
        yield batch
        after = {"_id": {"$gt": batch[-1]["_id"]}}

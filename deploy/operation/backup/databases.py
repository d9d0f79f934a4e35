"""Databases in a backup: documents as BSON, all read at one moment."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from gzip import GzipFile
from typing import Any, BinaryIO, cast

import bson
from bson import json_util
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as PyCollection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from deploy.operation.backup.hashing import compressed
from deploy.operation.backup.manifest import Collection
from deploy.operation.backup.targets import Target
from deploy.operation.errors import OperationError
from deploy.operation.servers import SERVICES, Client, database_of

BATCH_DOCUMENTS = 1000
BATCH_BYTES = 8 << 20
HISTORY_S = 3600
"""For how long the server has to remember the moment of the backup; by default it forgets after 300 s."""

_HISTORY = "minSnapshotHistoryWindowInSeconds"
_TOO_OLD, _UNAVAILABLE = 239, 246
_TRIES = 5
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
Say = Callable[[str], None]


def dump(client: Client, target: Target, say: Say) -> tuple[datetime, list[Collection]]:
    """Write all databases as of one moment; that moment, and what was written.

    Raises OperationError when the server has forgotten the moment before all was read.
    """
    for attempt in range(_TRIES):
        try:
            with _remembered(client), client.start_session(snapshot=True) as session:
                return _dump(client, session, target, say, attempt)
        except OperationFailure as error:
            if error.code == _TOO_OLD:
                raise OperationError(
                    "The database forgot the moment of the backup before all was read: set "
                    f"{_HISTORY} of mongod to more than 300, or let the backup's user set it (clusterAdmin)."
                ) from error
            if error.code != _UNAVAILABLE:
                raise
    raise OperationError("Collections of the database keep changing: take the backup when the platform has started.")


def _dump(
    client: Client, session: ClientSession, target: Target, say: Say, attempt: int
) -> tuple[datetime, list[Collection]]:
    # The first read fixes the moment, so that collections made until now are seen and later ones are not missed.
    client[f"modelyard_{SERVICES[0]}"]["migrations"].find_one({}, session=session)
    moment = session.cluster_time
    taken_at = moment["clusterTime"].as_datetime() if moment else datetime.now(UTC)
    found = []
    for service in SERVICES:
        database = database_of(client, service)
        for name in sorted(database.list_collection_names(filter={"type": "collection"})):
            found.append(_dump_collection(database, name, session, target, attempt))
        documents = sum(one.documents for one in found if one.database == database.name)
        say(f"database {database.name}: {documents} documents")
    return taken_at, found


def _dump_collection(
    database: Database[dict[str, Any]], name: str, session: ClientSession, target: Target, attempt: int
) -> Collection:
    collection = PyCollection(database, name, codec_options=_RAW)
    count = 0
    again = f"-{attempt}" if attempt else ""
    with target.file(f"databases/{database.name}/{name}{again}.bson.gz") as writer:
        with compressed(writer) as stream:
            for document in collection.find({}, session=session, batch_size=BATCH_DOCUMENTS):
                stream.write(cast(RawBSONDocument, document).raw)
                count += 1
        indexes = [index for index in database[name].list_indexes() if index["name"] != "_id_"]
        options = database[name].options()
        return Collection(database.name, name, count, writer.file, json_util.dumps(indexes), json_util.dumps(options))


@contextmanager
def _remembered(client: Client) -> Iterator[None]:
    """Have the server remember its history for longer, where it lets us."""
    try:
        before = client.admin.command({"getParameter": 1, _HISTORY: 1})[_HISTORY]
        if before < HISTORY_S:
            client.admin.command({"setParameter": 1, _HISTORY: HISTORY_S})
    except OperationFailure:
        yield
        return
    try:
        yield
    finally:
        client.admin.command({"setParameter": 1, _HISTORY: before})


def load(database: Database[dict[str, Any]], collection: Collection, stream: GzipFile) -> None:
    """Make the collection anew and fill it."""
    database.drop_collection(collection.name)
    database.create_collection(collection.name, **json_util.loads(collection.options))
    target = PyCollection(database, collection.name, codec_options=_RAW)
    for batch in batches(stream):
        target.insert_many(batch, ordered=False)
    for index in json_util.loads(collection.indexes):
        options = {name: value for name, value in index.items() if name not in ("v", "key", "ns")}
        database[collection.name].create_index(list(index["key"].items()), **options)


def batches(stream: GzipFile) -> Iterator[Sequence[RawBSONDocument]]:
    """Documents as they stand in a file, in batches of bounded size."""
    batch: list[RawBSONDocument] = []
    size = 0
    for document in bson.decode_file_iter(cast(BinaryIO, stream), _RAW):
        batch.append(document)
        size += len(document.raw)
        if len(batch) >= BATCH_DOCUMENTS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch

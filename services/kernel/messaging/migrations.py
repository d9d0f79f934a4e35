"""Migrations of what messaging keeps in the databases of services, which name them in their `MIGRATIONS`."""

from pymongo.database import Database

from services.kernel.storage.migrations import BsonDocument, ChangeDatabase


def _drop_inbox(database: Database[BsonDocument]) -> None:
    database.drop_collection("inbox")


INBOX_DROPPED = ChangeDatabase("0001-inbox-dropped", _drop_inbox)
"""Release 0.1 noted every handled event; now the positions in `inbox_positions` say it alone."""

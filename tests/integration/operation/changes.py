"""Migrations as a service would declare them, and a process that applies them: `python -m … URI DATABASE`."""

import sys
import time
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from services.kernel.storage.migrating import drop_index, migrate
from services.kernel.storage.migrations import ChangeDatabase, ChangeDocuments

PAUSE_S = 0.0005
"""For each document, so that a test has the time to kill the process."""


def split_name(body: dict[str, Any]) -> dict[str, Any]:
    time.sleep(PAUSE_S)
    first, _, last = body.pop("name").partition(" ")
    return body | {"first": first, "last": last, "changed": body.get("changed", 0) + 1}


def count_letters(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"letters": len(body["first"] + body["last"]), "changed": body["changed"] + 1}


def replace_index(database: Database[dict[str, Any]]) -> None:
    drop_index(database["people"], "name_1")


MIGRATIONS = (
    ChangeDocuments("0001-names-in-two", "people", 2, split_name),
    ChangeDatabase("0002-no-index-of-names", replace_index),
    ChangeDocuments("0003-letters-counted", "people", 3, count_letters),
)

if __name__ == "__main__":
    uri, name = sys.argv[1:]
    with MongoClient[dict[str, Any]](uri) as client:
        migrate(client[name], MIGRATIONS, lambda migration, done, total: print(migration.name, done, total, flush=True))

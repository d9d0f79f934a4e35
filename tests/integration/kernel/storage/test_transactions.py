"""Transactions against the real server."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services.kernel.config import KernelSettings
from services.kernel.errors import Conflict
from services.kernel.storage import mongo
from services.kernel.storage.mongo import collection_of
from services.kernel.storage.transactions import in_transaction, on_commit
from tests.integration.kernel.storage.things import Thing, ThingDocument, things
from tests.support.settings import environment_of

pytestmark = pytest.mark.usefixtures("database")


def _count() -> int:
    return collection_of(ThingDocument).count_documents({})


def test_mongoengine_and_pymongo_take_part_and_roll_back_together() -> None:
    def work() -> None:
        ThingDocument(id="a", name="by mongoengine").save()
        collection_of(ThingDocument).insert_one({"_id": "b", "name": "by pymongo"})
        assert ThingDocument.objects(id="a").count() == 1
        raise Conflict("given up")

    with pytest.raises(Conflict):
        in_transaction(work)
    assert _count() == 0


def test_commit_and_callbacks() -> None:
    calls: list[str] = []

    def inner() -> None:
        collection_of(ThingDocument).insert_one({"_id": "a", "name": "a"})
        on_commit(lambda: calls.append(f"committed, {_count()} there"))

    in_transaction(lambda: in_transaction(inner))
    assert calls == ["committed, 1 there"]


def test_callbacks_of_a_failed_transaction_are_dropped() -> None:
    calls: list[str] = []

    def work() -> None:
        on_commit(lambda: calls.append("never"))
        raise Conflict("no")

    with pytest.raises(Conflict):
        in_transaction(work)
    assert calls == []


def test_real_write_conflicts_are_repeated_until_all_are_in() -> None:
    collection_of(ThingDocument).insert_one({"_id": "counter", "name": "c", "n": 0})
    attempts = 0
    both_have_read = threading.Barrier(2)

    def add(number: int) -> None:
        first = True

        def work() -> None:
            nonlocal attempts, first
            attempts += 1
            document = collection_of(ThingDocument).find_one({"_id": "counter"})
            assert document is not None
            if first:
                first = False
                both_have_read.wait(10)
            collection_of(ThingDocument).update_one({"_id": "counter"}, {"$set": {"n": document["n"] + number}})

        in_transaction(work)

    threads = [threading.Thread(target=add, args=(number,)) for number in (1, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    document = collection_of(ThingDocument).find_one({"_id": "counter"})
    assert document is not None
    assert document["n"] == 11
    assert attempts >= 3


def test_an_entity_keeps_its_events_when_the_transaction_is_repeated() -> None:
    thing = Thing(id="t-1", name="x")
    thing.happened("made")
    repository = things()
    attempts = 0

    def work() -> None:
        nonlocal attempts
        attempts += 1
        repository.add(thing)
        if attempts == 1:
            raise Conflict("as if it had to be repeated")

    with pytest.raises(Conflict):
        in_transaction(work)
    assert (thing.version, thing.sequence, thing.pending) == (0, 0, ["made"])
    in_transaction(work)
    assert (thing.version, thing.sequence, thing.pending) == (1, 1, [])
    assert mongo.database()["outbox"].count_documents({}) == 1


_KILLED = """
import os, sys
from services.kernel.config import KernelSettings
from services.kernel.storage import mongo
from services.kernel.storage.transactions import in_transaction
mongo.connect(KernelSettings(), sys.argv[1])
def work():
    mongo.database()["things"].insert_one({"_id": "killed", "name": "killed"})
    mongo.database()["jobs"].insert_one({"_id": "killed"})
    print("written", flush=True)
    sys.stdin.read()
in_transaction(work)
"""


def test_kill_in_mid_transaction_leaves_nothing(settings: KernelSettings, database: str) -> None:
    root = Path(__file__).parents[4]
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, database.removeprefix("modelyard_")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ) | environment_of(settings), cwd=root,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert _count() == 0
    # The server frees what the dead session held, or the write waits for that.
    collection_of(ThingDocument).insert_one({"_id": "killed", "name": "again"})
    assert mongo.database()["jobs"].count_documents({}) == 0


def test_a_write_concern_in_the_uri_is_refused(settings: KernelSettings) -> None:
    uri = settings.mongo_uri.get_secret_value()
    wrong = settings.model_copy(update={"mongo_uri": type(settings.mongo_uri)(f"{uri}&w=majority")})
    with pytest.raises(ValueError, match="write concern"):
        mongo.connect(wrong, "never")

"""Backups of real servers: consistent, incremental, complete or none, and every damage is seen."""

import hashlib
import json
import random
import re
import secrets
import signal
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
import pytest

from deploy.operation.backup.restore import restore_into
from deploy.operation.backup.sources import backup_ids, open_source
from deploy.operation.backup.take import take_backup
from deploy.operation.backup.verify import verify
from deploy.operation.errors import OperationError
from deploy.operation.servers import SERVICES, database_of
from services.kernel.errors import FailedPrecondition
from services.kernel.storage import mongo
from services.kernel.storage.blobs import put_blob
from services.kernel.storage.holds import Hold, held
from services.kernel.storage.jobs import Jobs
from services.kernel.storage.lease import ControlLease
from services.kernel.storage.migrations import declared, record_applied
from tests.integration.operation.conftest import PASSPHRASE, Stores
from tests.support.polling import eventually

SECRETS = {"token_key": "the-secret-of-this-test", "admin_password": "another-secret-of-this-test"}


def quiet(_line: str) -> None:
    pass


def fill(stores: Stores, *, objects: int = 10) -> None:
    """Documents of all kinds and sizes in all databases, and objects with names of all kinds."""
    for service in SERVICES:
        record_applied(database_of(stores.client, service), [migration.name for migration in declared(service)])
        rows = database_of(stores.client, service)["rows"]
        rows.create_index([("number", 1), ("text", -1)], unique=True, name="both")
        rows.create_index("at", expireAfterSeconds=10**9, partialFilterExpression={"number": {"$gt": 1}})
        rows.insert_many(
            {
                "_id": f"{service}-{at}",
                "number": at,
                "text": "文" * at,
                "at": datetime(2026, 1, 1, tzinfo=UTC),
                "large": bson.Int64(2**62 + at),
                "exact": bson.Decimal128("0.1"),
                "bytes": secrets.token_bytes(at),
                "inside": {"a.b": [None, True, {"$x": 1.5}], "id": bson.ObjectId()},
            }
            for at in range(60)
        )
    database_of(stores.client, "trainer")["rows"].insert_one({"number": -1, "bytes": bytes(12 << 20)})
    database_of(stores.client, "dataset").create_collection("empty")
    for at in range(objects):
        put_blob(stores.store, f"content {at}".encode())
        stores.store.put(f"logs/wl-{at}/{at:020}", b"the same" if at % 2 else b"")
    put_blob(stores.store, secrets.token_bytes((16 << 20) + 5))


def state_of(stores: Stores) -> dict[str, Any]:
    """Everything that a restore has to bring back."""
    found: dict[str, Any] = {}
    for service in SERVICES:
        database = database_of(stores.client, service)
        for name in sorted(database.list_collection_names()):
            rows = database[name].find().sort("_id")
            found[f"{service}.{name}"] = ([bson.encode(row) for row in rows], database[name].index_information())
    for key in stores.store.list(""):
        with stores.store.get(key) as stream:
            found[key] = hashlib.sha256(stream.read()).hexdigest()
    return found


def take(stores: Stores, path: Path) -> str:
    return take_backup(path, stores.settings, SECRETS, PASSPHRASE, quiet).id


@pytest.mark.parametrize("name", ["folder", "file.zip"])
def test_what_was_backed_up_comes_back_as_it_was(stores: Stores, tmp_path: Path, name: str) -> None:
    fill(stores)
    before = state_of(stores)
    take(stores, tmp_path / name)
    stores.empty()
    with open_source(tmp_path / name) as source:
        restore_into(stores.client, stores.store, source, verify(source, quiet), replace=False, say=quiet)
    assert state_of(stores) == before


def test_all_databases_are_of_one_moment(stores: Stores, tmp_path: Path) -> None:
    """Transactions move amounts between databases all the time; in the backup nothing is missing or there twice."""
    accounts = [database_of(stores.client, service)["accounts"] for service in ("dataset", "gateway")]
    for account in accounts:
        account.insert_many({"_id": at, "amount": 100} for at in range(2000))
    stop = threading.Event()
    moved = threading.Event()

    def move() -> None:
        while not stop.is_set():
            with stores.client.start_session() as session, session.start_transaction():
                one, other = random.sample(accounts, 2)
                amount = random.randint(1, 50)
                one.update_one({"_id": random.randrange(2000)}, {"$inc": {"amount": -amount}}, session=session)
                other.update_one({"_id": random.randrange(2000)}, {"$inc": {"amount": amount}}, session=session)
            moved.set()

    mover = threading.Thread(target=move)
    mover.start()
    try:
        moved.wait(30)
        for _ in range(3):
            take(stores, tmp_path / "folder")
    finally:
        stop.set()
        mover.join()
    for backup_id in backup_ids(tmp_path / "folder"):
        stores.empty()
        with open_source(tmp_path / "folder", backup_id) as source:
            restore_into(stores.client, stores.store, source, source.manifest(), replace=False, say=quiet)
        totals = [sum(row["amount"] for row in account.find()) for account in accounts]
        assert sum(totals) == 2 * 2000 * 100
        assert totals[0] != totals[1]


def test_a_second_backup_in_a_folder_copies_only_what_is_new(stores: Stores, tmp_path: Path) -> None:
    fill(stores)
    take(stores, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "objects").rglob("*") if path.is_file()}
    put_blob(stores.store, b"a new one")
    take(stores, tmp_path)
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "objects").rglob("*") if path.is_file()}
    assert {path.name for path in after.keys() - before.keys()} == {hashlib.sha256(b"a new one").hexdigest()}
    assert after.items() >= before.items()
    for backup_id in backup_ids(tmp_path):
        with open_source(tmp_path, backup_id) as source:
            verify(source, quiet)


def test_every_flipped_bit_is_seen_and_nothing_is_touched(stores: Stores, tmp_path: Path) -> None:
    fill(stores, objects=5)
    take(stores, tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"]
    stores.empty()
    randomly = random.Random(20261126)
    for path in files * 3:
        content = bytearray(path.read_bytes())
        if not content:
            continue
        at, bit = randomly.randrange(len(content)), 1 << randomly.randrange(8)
        content[at] ^= bit
        path.write_bytes(content)
        with open_source(tmp_path) as source, pytest.raises(OperationError, match="damaged"):
            verify(source, quiet)
        content[at] ^= bit
        path.write_bytes(content)
    with open_source(tmp_path) as source:
        verify(source, quiet)
    next(path for path in files if path.parent.parent.name == "objects").unlink()
    refused = stores.command("restore", str(tmp_path), check=False)
    assert (refused.returncode, "damaged" in refused.stderr) == (1, True)
    assert state_of(stores) == {}


@pytest.mark.long
def test_a_flipped_bit_in_a_file_is_seen_or_does_no_harm(stores: Stores, tmp_path: Path) -> None:
    """A ZIP file has bits that mean nothing; the checksums stand for all the others."""
    fill(stores, objects=5)
    path = tmp_path / "backup.zip"
    take(stores, path)
    content = bytearray(path.read_bytes())
    with open_source(path) as source:
        whole = verify(source, quiet)
    randomly = random.Random(20261126)
    seen = 0
    for _ in range(60):
        at, bit = randomly.randrange(len(content)), 1 << randomly.randrange(8)
        content[at] ^= bit
        path.write_bytes(content)
        try:
            with open_source(path) as source:
                assert verify(source, quiet) == whole
        except OperationError:
            seen += 1
        content[at] ^= bit
    assert seen > 50
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(OperationError, match="damaged"), open_source(path):
        pass


@pytest.mark.parametrize("name", ["folder", pytest.param("file.zip", marks=pytest.mark.long)])
def test_a_killed_backup_leaves_nothing_that_looks_whole(stores: Stores, tmp_path: Path, name: str) -> None:
    fill(stores, objects=100)
    path = tmp_path / name
    running = stores.started("backup", str(path))
    assert running.stdout is not None
    running.stdout.readline()
    running.kill()
    running.communicate()
    assert running.returncode == -signal.SIGKILL
    with pytest.raises(OperationError), open_source(path):
        pass
    stores.command("backup", str(path))
    with open_source(path) as source:
        verify(source, quiet)
    left_over = [one.name for one in [*tmp_path.iterdir(), *(path.iterdir() if path.is_dir() else ())]]
    assert not [one for one in left_over if "partial" in one]


def test_secrets_are_sealed(stores: Stores, tmp_path: Path) -> None:
    take(stores, tmp_path / "sealed")
    for path in (tmp_path / "sealed").rglob("*"):
        assert path.is_dir() or not any(value.encode() in path.read_bytes() for value in SECRETS.values())
        assert path.is_dir() or path.name == ".lock" or stat.S_IMODE(path.stat().st_mode) == 0o600
    wrong = tmp_path / "passphrase"
    wrong.write_text("not this one\n")
    refused = stores.command("restore", str(tmp_path / "sealed"), "--passphrase-file", str(wrong), check=False)
    assert (refused.returncode, "passphrase is not the one" in refused.stderr) == (1, True)
    take_backup(tmp_path / "plain", stores.settings, SECRETS, None, quiet)
    (plain,) = (tmp_path / "plain").rglob("secrets.json")
    assert json.loads(plain.read_text()) == {"plain": SECRETS}


def test_an_object_that_is_damaged_in_the_store_is_told(stores: Stores, tmp_path: Path) -> None:
    blob = put_blob(stores.store, b"as it was written")
    key = f"blobs/{blob.sha256[:2]}/{blob.sha256}"
    stores.store.put(key, b"as it was damaged")
    done = stores.command("backup", str(tmp_path / "b"), check=False)
    assert done.returncode == 1
    assert key in done.stderr
    with open_source(tmp_path / "b") as source:
        assert verify(source, quiet).damaged == [key]


def test_restore_wants_an_empty_platform_that_does_not_run(stores: Stores, tmp_path: Path) -> None:
    fill(stores, objects=3)
    before = state_of(stores)
    stores.command("backup", str(tmp_path))
    stores.store.put("later", b"x")
    database_of(stores.client, "serving")["later"].insert_one({})
    refused = stores.command("restore", str(tmp_path), check=False)
    assert re.search("not empty.*--replace", refused.stderr), refused.stderr
    mongo.connect(stores.settings, "trainer")
    mongo.database()["rows"].find_one()
    refused = stores.command("restore", str(tmp_path), "--replace", check=False)
    assert "The platform runs (trainer)" in refused.stderr
    mongo.disconnect()
    eventually(lambda: stores.command("restore", str(tmp_path), "--replace", check=False).returncode == 0, timeout=60)
    assert {name: state for name, state in state_of(stores).items() if name in before} == before
    assert not {"later", "serving.later"} & state_of(stores).keys()


def test_a_killed_restore_is_repeated_and_no_process_starts_in_between(stores: Stores, tmp_path: Path) -> None:
    fill(stores, objects=100)
    before = state_of(stores)
    stores.command("backup", str(tmp_path))
    stores.empty()
    running = stores.started("restore", str(tmp_path))
    restores = stores.client["modelyard_operation"]["restores"]
    eventually(lambda: running.poll() is not None or restores.find_one({"done.1": {"$exists": True}}), timeout=60)
    assert running.poll() is None, running.communicate()
    running.kill()
    running.communicate()
    with pytest.raises(FailedPrecondition, match="modelyard restore"):
        mongo.connect(stores.settings, "trainer")
    mongo.disconnect()
    stores.command("restore", str(tmp_path))
    assert {name: state for name, state in state_of(stores).items() if name in before} == before
    mongo.connect(stores.settings, "trainer")
    mongo.disconnect()


@pytest.fixture
def connected(stores: Stores) -> Iterator[None]:
    mongo.connect(stores.settings, "dataset")
    yield
    mongo.disconnect()


def test_who_held_something_before_cannot_go_on_after_a_restore(
    stores: Stores, connected: None, tmp_path: Path
) -> None:
    lease = ControlLease("control", "the old one")
    token = lease.acquire()
    jobs = Jobs(max_attempts=3)
    job = jobs.add("import", "ds-1", {})
    old = jobs.claim(["import"], "the old worker")
    assert old is not None
    mongo.database()["outbox"].insert_many([{"_id": "ev-1", "sent": True, "sent_at": datetime.now(UTC)}])
    mongo.disconnect()
    eventually(lambda: stores.command("backup", str(tmp_path), check=False).returncode == 0)
    stores.empty()
    eventually(lambda: stores.command("restore", str(tmp_path), check=False).returncode == 0)
    mongo.connect(stores.settings, "dataset")
    assert not lease.renew()
    with pytest.raises(Exception, match="passed to another"):
        lease.fenced(token)
    assert ControlLease("control", "the new one").acquire() > token + 1000
    with pytest.raises(Exception, match="no longer claimed"):
        jobs.finish(old)
    new = jobs.claim(["import"], "the new worker")
    assert new is not None
    assert (new.id, new.attempts) == (job.id, 1)
    assert mongo.database()["outbox"].find_one() == {"_id": "ev-1", "sent": False}


def test_a_hold_ends_with_its_holder(stores: Stores) -> None:
    assert not held(stores.client)
    with Hold(stores.client, "mine", ttl_s=60) as hold:
        assert held(stores.client)
        assert hold.was_kept()
        stores.client["modelyard_operation"]["holds"].update_one(
            {"_id": "mine"}, {"$set": {"expires_at": datetime.now(UTC)}}
        )
        assert not hold.was_kept()
    assert not held(stores.client)
    abandoned = Hold(stores.client, "abandoned", ttl_s=0.5)
    abandoned._set(upsert=True)
    assert held(stores.client)
    eventually(lambda: not held(stores.client))


def test_objects_are_held_while_they_are_copied(stores: Stores, tmp_path: Path) -> None:
    put_blob(stores.store, b"one")
    seen: list[bool] = []
    take_backup(tmp_path, stores.settings, None, None, lambda _line: seen.append(held(stores.client)))
    assert seen
    assert all(seen)
    assert not held(stores.client)

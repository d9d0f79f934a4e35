"""Migrations on a real server: whatever happens in between, every document is changed exactly once."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pymongo.database import Database

from services.kernel.errors import FailedPrecondition
from services.kernel.storage import migrations, mongo
from services.kernel.storage.migrating import migrate, plan
from services.kernel.storage.migrations import applied, require_current
from tests.integration.operation.changes import MIGRATIONS
from tests.integration.operation.conftest import ROOT, Stores

COUNT = 2000


@pytest.fixture
def people(stores: Stores) -> Iterator[Database[dict[str, Any]]]:
    """A database as the release before wrote it; some of its documents have no `schema_version`."""
    database = stores.client["modelyard_dataset"]
    rows = [
        {"_id": f"p{at:05}", "name": f"Ada {at}"} | ({"schema_version": 1} if at % 2 else {}) for at in range(COUNT)
    ]
    database["people"].insert_many(rows)
    database["people"].create_index("name")
    yield database


def migrated(database: Database[dict[str, Any]]) -> bool:
    wanted = {"changed": 2, "schema_version": 3, "first": "Ada", "name": {"$exists": False}, "letters": {"$gte": 4}}
    return database["people"].count_documents(wanted) == COUNT


def quiet(_migration: object, _done: int, _total: int) -> None:
    pass


def test_all_that_is_missing_is_applied_in_order_and_once(people: Database[dict[str, Any]]) -> None:
    assert [step.documents for step in plan(people, MIGRATIONS)] == [COUNT, 0, COUNT]
    told: list[tuple[str, int, int]] = []
    assert migrate(people, MIGRATIONS, lambda one, done, total: told.append((one.name, done, total))) == 3
    assert migrated(people)
    assert "name_1" not in people["people"].index_information()
    assert (MIGRATIONS[0].name, COUNT, COUNT) in told
    assert (MIGRATIONS[1].name, 0, 0) in told
    assert applied(people) == {migration.name for migration in MIGRATIONS}
    assert migrate(people, MIGRATIONS, quiet) == 0
    assert migrated(people)


def test_one_that_is_killed_goes_on_where_it_was(people: Database[dict[str, Any]], stores: Stores) -> None:
    uri = stores.settings.mongo_uri.get_secret_value()
    command = [sys.executable, "-m", "tests.integration.operation.changes", uri, people.name]
    kills = 0
    for told_before_kill in (1, 2, 2):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(told_before_kill):
                process.stdout.readline()
            if process.poll() is None:
                process.kill()
                kills += 1
    assert kills == 3
    assert 0 < people["people"].count_documents({"schema_version": 2}) < COUNT
    migrate(people, MIGRATIONS, quiet)
    assert migrated(people)


def test_two_at_once_do_no_harm(people: Database[dict[str, Any]]) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: migrate(people, MIGRATIONS, quiet), range(2)))
    assert migrated(people)


def test_a_change_that_fails_leaves_what_was_not_changed(people: Database[dict[str, Any]]) -> None:
    people["people"].update_one({"_id": "p01500"}, {"$set": {"name": None}})
    with pytest.raises(AttributeError):
        migrate(people, MIGRATIONS, quiet)
    assert applied(people) == frozenset()
    people["people"].update_one({"_id": "p01500"}, {"$set": {"name": "Ada 1500"}})
    migrate(people, MIGRATIONS, quiet)
    assert migrated(people)


def test_a_new_database_is_up_to_date(stores: Stores) -> None:
    database = stores.client["modelyard_dataset"]
    assert plan(database, MIGRATIONS) == []
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: require_current(database, MIGRATIONS), range(4)))
    assert applied(database) == {migration.name for migration in MIGRATIONS}


def test_a_process_refuses_an_older_database(
    people: Database[dict[str, Any]], stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "declared", lambda _service: MIGRATIONS)
    with pytest.raises(FailedPrecondition, match="modelyard migrate") as refused:
        mongo.connect(stores.settings, "dataset")
    assert refused.value.reason == "DATABASE_OLDER"
    migrate(people, MIGRATIONS, quiet)
    mongo.connect(stores.settings, "dataset")
    mongo.disconnect()


def test_a_process_and_the_command_refuse_a_newer_database(people: Database[dict[str, Any]], stores: Stores) -> None:
    migrations.record_applied(people, ["9999-of-next-year"])
    with pytest.raises(FailedPrecondition, match=r"newer release.*9999-of-next-year"):
        mongo.connect(stores.settings, "dataset")
    mongo.disconnect()
    done = stores.command("migrate", check=False)
    assert (done.returncode, done.stderr.split()[0]) == (1, "DATABASE_NEWER")


def test_the_command_says_when_nothing_is_to_be_done(stores: Stores) -> None:
    assert "of this release" in stores.command("migrate").stdout


def test_what_runs_is_named(stores: Stores) -> None:
    from deploy.operation.servers import running_services

    assert running_services(stores.client) == []
    mongo.connect(stores.settings, "trainer")
    mongo.database()["tasks"].find_one()
    assert running_services(stores.client) == ["trainer"]
    mongo.disconnect()

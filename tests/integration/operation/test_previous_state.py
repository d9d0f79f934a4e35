"""The stored state of release 0.1: migrated as a future release would, and read by today's repositories."""

from typing import Any

import pytest
from pymongo.database import Database

from deploy.operation.backup.restore import restore_into
from deploy.operation.backup.sources import open_source
from deploy.operation.backup.verify import verify
from deploy.operation.migrating import describe, migrate_all, planned
from services.kernel.context import acting_as, service_caller
from services.kernel.errors import FailedPrecondition
from services.kernel.storage import migrations, mongo
from services.kernel.storage.migrations import ChangeDatabase, ChangeDocuments
from services.trainer import models
from tests.integration.operation.conftest import ROOT, Stores

BACKUP = ROOT / "tests" / "fixtures" / "state-0.1" / "backup.zip"


def without_index(database: Database[dict[str, Any]]) -> None:
    if "dataset_id_1" in database["tasks"].index_information():
        database["tasks"].drop_index("dataset_id_1")


def described(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"description": f"{body['name']} of release 0.1"}


FUTURE = (
    ChangeDatabase("0001-tasks-without-index", without_index),
    ChangeDocuments("0002-tasks-described", "tasks", 2, described),
    ChangeDocuments("0003-outbox-numbered", "outbox", 2, lambda body: body | {"new_field": 1}),
)


@pytest.fixture
def previous(stores: Stores) -> Database[dict[str, Any]]:
    with open_source(BACKUP) as source:
        manifest = verify(source, lambda _line: None)
        restore_into(stores.client, stores.store, source, manifest, replace=False, say=lambda _line: None)
    stores.client["modelyard_operation"]["restores"].delete_many({})
    return stores.client["modelyard_trainer"]


def test_the_previous_state_is_migrated_and_readable(
    previous: Database[dict[str, Any]], stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    def declared(service: str) -> tuple[migrations.Migration, ...]:
        return FUTURE if service == "trainer" else ()

    monkeypatch.setattr("deploy.operation.migrating.declared", declared)
    monkeypatch.setattr(migrations, "declared", declared)
    before = list(previous["outbox"].find().sort("_id"))
    assert [describe(step) for step in planned(stores.client)] == [
        "modelyard_trainer: 0001-tasks-without-index",
        "modelyard_trainer: 0002-tasks-described: 1 documents of tasks",
        f"modelyard_trainer: 0003-outbox-numbered: {len(before)} documents of outbox",
    ]
    assert migrate_all(stores.client, lambda _line: None) == 3
    assert planned(stores.client) == []

    assert all("new_field" in row for row in previous["outbox"].find())
    mongo.connect(stores.settings, "trainer")
    try:
        with acting_as(service_caller("trainer")):
            tasks = models.task_repository()
            (task,) = tasks.find()
            # Events go on where they were, and what the release before wrote is still the same event.
            known = max(row["sequence"] for row in before if row["subject"] == f"task/{task.id}")
            task.happened("updated")
            tasks.save(task)
            assert task.sequence == known + 1
    finally:
        mongo.disconnect()
    assert {row["_id"] for row in before} < {row["_id"] for row in previous["outbox"].find()}


def test_the_inbox_of_the_previous_state_goes(previous: Database[dict[str, Any]], stores: Stores) -> None:
    consumers = [previous, stores.client["modelyard_serving"]]
    assert all(database["inbox"].find_one() for database in consumers)
    with pytest.raises(FailedPrecondition, match="0001-inbox-dropped"):
        mongo.connect(stores.settings, "trainer")
    mongo.disconnect()
    would = [f"{database.name}: 0001-inbox-dropped" for database in consumers]
    assert stores.command("migrate", "--dry-run").stdout.splitlines() == would
    assert stores.command("migrate").stdout.splitlines() == [*would, "2 migrations applied"]
    assert "of this release" in stores.command("migrate").stdout
    for database in consumers:
        assert "inbox" not in database.list_collection_names()
        assert database["inbox_positions"].find_one(), "what was handled is known without it"


def test_every_document_of_the_previous_state_has_a_version_that_the_code_knows(
    previous: Database[dict[str, Any]], stores: Stores
) -> None:
    """A change of a stored form without a migration shows here: SCHEMA_VERSION moves on, and the state does not."""
    for document in models.DOCUMENTS:
        name = document._get_collection_name()
        changes = [one for one in migrations.declared("trainer") if isinstance(one, ChangeDocuments)]
        reached = max((one.to_version for one in changes if one.collection == name), default=1)
        assert reached == document.SCHEMA_VERSION
        assert all(row["schema_version"] <= reached for row in previous[name].find())

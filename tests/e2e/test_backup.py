"""The state of the previous release comes up in this one; a platform that was destroyed comes back from its backup."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pymongo import MongoClient

from services.gateway.client import Client
from services.gateway.client.uploads import HEADERS
from tests.e2e.conftest import ROOT, Platform
from tests.support import jobs
from tests.support.archives import zip_bytes
from tests.support.polling import eventually
from tests.support.servers import free_port_base

FIXTURE = ROOT / "tests" / "fixtures" / "state-0.1"
MIGRATED = ["modelyard_trainer: 0001-inbox-dropped", "modelyard_serving: 0001-inbox-dropped"]
KNOWN: dict[str, Any] = json.loads((FIXTURE / "known.json").read_text())


def maker() -> ModuleType:
    """The script that made the fixture."""
    spec = importlib.util.spec_from_file_location("state_0_1", FIXTURE / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKER = maker()


def modelyard(platform: Platform, *arguments: str) -> str:
    """A command of the operation, on the machine of the platform."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MODELYARD_")}
    environment |= {"MODELYARD_HOME": str(platform.home), "MODELYARD_PORT_BASE": str(platform.port_base)}
    environment |= {"MODELYARD_BACKUP_PASSPHRASE": MAKER.PASSPHRASE}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def migrated(told: str) -> list[str]:
    return [line for line in told.splitlines() if line.startswith("modelyard_")]


def unmigrate(platform: Platform) -> None:
    """Forget what restoring has applied, as if the data had always been there: now `up` has to do it."""
    with MongoClient[dict[str, Any]](platform.environment()["MODELYARD_MONGO_URI"]) as client:
        for line in MIGRATED:
            database = client[line.partition(":")[0]]
            assert "inbox" not in database.list_collection_names()
            database.drop_collection("migrations")
            database.create_collection("inbox")


@pytest.fixture(scope="module")
def old() -> Iterator[Platform]:
    """The state of release 0.1, restored and brought up by this one."""
    with tempfile.TemporaryDirectory(prefix="modelyard-old-") as folder:
        platform = Platform(Path(folder) / "home", free_port_base())
        try:
            told = modelyard(platform, "restore", str(FIXTURE / "backup.zip"))
            assert migrated(told) == MIGRATED
            unmigrate(platform)
            assert migrated(platform.up()) == MIGRATED
            yield platform
        finally:
            platform.down()


def requires_the_known(client: Client) -> None:
    """What the fixture holds is there and works."""
    assert client.get(f"/api/v1/tasks/{KNOWN['task']}/report") == KNOWN["report"]
    assert client.get(f"/api/v1/datasets/{KNOWN['dataset']}/samples") == KNOWN["samples"]
    assert jobs.task_events(client, KNOWN["task"]) == KNOWN["events"]
    service = f"/api/v1/services/{KNOWN['service']}"
    eventually(
        lambda: client.get(service)["state"] == "STATE_RUNNING" and client.get(service)["actual_load"], timeout=180
    )
    assert MAKER.predict(client, KNOWN["service"]) == KNOWN["answer"]


def train(client: Client, dataset: str, **parameters: int) -> str:
    chosen = json.dumps({"img_size": 8, **parameters})
    return jobs.start_task(client, dataset, jobs.preset(client, "image-classification"), parameters=chosen)


@pytest.mark.timeout(900)
def test_the_state_of_the_previous_release_works(old: Platform) -> None:
    with old.client() as client:
        requires_the_known(client)
        task = jobs.ended_task(client, train(client, KNOWN["dataset"], epochs=3))
        assert task["state"] == "STATE_FINISHED", task["error"]
        assert client.get(f"/api/v1/datasets/{KNOWN['broken_dataset']}")["state"] == "STATE_FAILED"


def begin_upload(client: Client, content: bytes, sent: int) -> str:
    """An upload of which the first bytes have arrived; its address."""
    created = client.http.post("/api/v1/uploads", headers=HEADERS | {"upload-length": str(len(content))})
    url = str(created.headers["location"])
    send(client, url, content[:sent], 0)
    return url


def send(client: Client, url: str, data: bytes, offset: int) -> None:
    told = HEADERS | {"upload-offset": str(offset), "content-type": "application/offset+octet-stream"}
    assert client.http.patch(url, headers=told, content=data).status_code == 204


def events_until(client: Client, subject: str, kind: str, after: str = "0") -> list[tuple[str, str]]:
    """(cursor, event id) of everything from a cursor to the first event of this kind about the subject."""
    found: list[tuple[str, str]] = []
    for cursor, event in client.events("/api/v1/events", last_id=after):
        found.append((cursor, event["id"]))
        if (event["subject"], event["type"]) == (subject, kind):
            break
    return found


def objects_of(platform: Platform) -> dict[str, str]:
    folder = platform.home / "data" / "objects"
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.timeout(900)
def test_a_destroyed_platform_comes_back(old: Platform, tmp_path: Path) -> None:
    """Backed up while a task trains and an upload runs, then destroyed."""
    archive = zip_bytes(jobs.two_shades(40))
    with old.client() as client:
        dataset = jobs.online_dataset(client, tmp_path, jobs.two_shades(200))
        upload = begin_upload(client, archive, len(archive) // 2)
        task = train(client, dataset, epochs=30)
        eventually(lambda: client.get(f"/api/v1/tasks/{task}")["progress"] > 0, timeout=180)
        before = events_until(client, f"task/{task}", "task.started")
    objects = objects_of(old)
    modelyard(old, "backup", str(tmp_path / "backups"))
    modelyard(old, "backups", "verify", str(tmp_path / "backups"))
    password = (old.home / "secrets" / "admin-password").read_text()
    old.down()
    shutil.rmtree(old.home)

    modelyard(old, "restore", str(tmp_path / "backups"))
    assert objects_of(old).items() >= objects.items()
    assert (old.home / "secrets" / "admin-password").read_text() == password
    old.up()
    with old.client() as client:
        requires_the_known(client)
        ended = jobs.ended_task(client, task, timeout=300)
        assert ended["state"] == "STATE_FINISHED", ended["error"]
        assert events_until(client, f"task/{task}", "task.started") == before
        later = events_until(client, f"task/{task}", "task.finished", after=before[-1][0])
        assert not {event for _, event in later} & {event for _, event in before}

        send(client, upload, archive[len(archive) // 2 :], len(archive) // 2)
        resumed = jobs.create_dataset(client)
        imported = jobs.import_archive(client, resumed, upload.rstrip("/").rpartition("/")[2])
        assert imported["state"] == "STATE_IMPORTED", imported["problems"]
        again = jobs.ended_task(client, train(client, dataset, epochs=2))
        assert again["state"] == "STATE_FINISHED", again["error"]

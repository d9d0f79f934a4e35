"""The command line, as people and scripts use it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Platform
from tests.support import jobs
from tests.support.polling import eventually

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Run:
    environment = os.environ | platform.environment()
    environment["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("config"))

    def start(*arguments: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", "from deploy.cli import main; main()", *arguments],
            cwd=ROOT,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return start


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for path, content in jobs.two_shades(12).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def test_the_demonstration_with_own_images(run: Run, images: Path) -> None:
    done = run("demo", "--images", str(images), "--goal", "0.9")
    assert "amqp │ dataset.onlined" in done.stdout
    assert "amqp │ model.published" in done.stdout
    assert "accuracy 1.0000" in done.stdout
    assert "Stop" in done.stdout


def test_the_main_job_by_commands(run: Run, images: Path, tmp_path: Path) -> None:
    dataset = json.loads(run("datasets", "create", "shades", str(images), "--json").stdout)
    task = run(
        *("tasks", "create", "by-cli", "--dataset", dataset["id"], "--algorithm", "image-classification"),
        *("--share", "0.75", "-p", "epochs=3", "-p", "img_size=8"),
    ).stdout.strip()
    run("tasks", "watch", task)
    assert "epoch" in run("tasks", "logs", task, "-f").stdout
    assert "dark" in run("tasks", "report", task).stdout
    version = run("tasks", "publish", task, "--name", "shades-by-cli").stdout.split()[0]
    run("models", "download", version, str(tmp_path / "model.zip"))
    assert (tmp_path / "model.zip").stat().st_size > 1000
    service = run("services", "create", "shades", "--model-version", version).stdout.strip()
    run("services", "start", service, "--load", "1")
    answer = run("services", "predict", service, "--image", str(images / "light" / "3.png")).stdout
    assert answer.startswith("light")
    eventually(lambda: run("services", "requests", service).stdout.split("all ")[-1].split()[:3] == ["1", "0", "0"])
    run("services", "stop", service)


def test_lists_are_tables_or_json(run: Run) -> None:
    for group, title in (("datasets", "NAME"), ("algorithms", "PURPOSE"), ("tasks", "ACCURACY"), ("models", "LATEST")):
        assert title in run(group, "list").stdout
        assert json.loads(run(group, "list", "--json").stdout)
    assert "process" in run("nodes").stdout


def test_a_failed_import_lists_its_problems(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"no image")
    done = run("datasets", "create", "broken", str(tmp_path), check=False)
    assert done.returncode == 1
    assert "a/1.png" in done.stderr
    assert "Traceback" not in done.stderr


def test_errors_are_one_line(run: Run) -> None:
    unknown = run("tasks", "show", "task-nothing", check=False)
    assert (unknown.returncode, unknown.stderr.split()[0]) == (1, "NOT_FOUND")
    away = run("tasks", "list", check=False, MODELYARD_URL="http://127.0.0.1:9", MODELYARD_TOKEN="x")
    assert "does not answer" in away.stderr


def test_signing_in_keeps_the_session(run: Run, platform: Platform) -> None:
    password = platform.environment()["MODELYARD_ADMIN_PASSWORD"]
    signed_out = {"MODELYARD_ADMIN_PASSWORD": "", "MODELYARD_TOKEN": ""}
    assert "modelyard login" in run("whoami", check=False, **signed_out).stderr
    run("login", "--user", "admin", "--password", password, **signed_out)
    assert json.loads(run("whoami", **signed_out).stdout)["name"] == "admin"
    run("logout", **signed_out)
    assert run("whoami", check=False, **signed_out).returncode == 1


def test_nodes_queues_and_why_something_waits(run: Run, platform: Platform, tmp_path: Path) -> None:
    (node,) = [node for node in json.loads(run("nodes", "--json").stdout) if node["engine"] == "process"]
    assert "takes nothing new" in run("nodes", "drain", node["name"]).stdout
    with platform.client() as client:
        dataset_id = jobs.online_dataset(client, tmp_path, jobs.two_shades(4))
        task_id = jobs.start_task(client, dataset_id, jobs.create_algorithm(client, tmp_path, "", seconds=1))
        try:
            eventually(lambda: "none of the engine process" in run("why", task_id, check=False).stdout, timeout=30)
            told = run("why", task_id).stdout
            assert "that wait in the queue default" in told
            assert "drained" in run("nodes").stdout
        finally:
            run("nodes", "resume", node["name"])
        run("queues", "set", "default", "--weight", "2", "--quota", "cores=0.5")
        assert "0.5 cores" in run("queues").stdout
        other = jobs.start_task(client, dataset_id, jobs.create_algorithm(client, tmp_path, "", seconds=1))
        eventually(lambda: "its project may use 0.5 cores" in run("why", other, check=False).stdout, timeout=30)
        assert "weight 1." in run("queues", "set", "default", "--weight", "1", "--quota", "cores=0").stdout
        for one in (task_id, other):
            jobs.ended_task(client, one)
    assert "all come to the same" in run("ledger", "replay").stdout
    told = json.loads(run("ledger", "what-if", "--add-nodes", "1", "--json").stdout)
    before, after = told["default"]["mean_s"]
    assert after <= before
    refused = run("queues", "set", "default", "--quota", "cores=many", check=False)
    assert refused.returncode != 0
    assert "'cores=many'" in refused.stderr
    assert "There is no node nobody" in run("nodes", "drain", "nobody", check=False).stderr

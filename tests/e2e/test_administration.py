"""What administrators do: dead letters, garbage, the doctor."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from kombu import Connection

from services.gateway.client import Client
from services.gateway.operation.peers import Peers
from services.kernel.config import KernelSettings
from services.kernel.ids import new_id
from tests.e2e.conftest import Platform
from tests.e2e.test_cli import Run, run
from tests.support.polling import eventually

__all__ = ["run"]

QUEUE = "trainer-events.scheduler.v1"


@pytest.fixture
def malformed(platform: Platform) -> str:
    """The id of a message that no consumer of workload events can read."""
    message_id = new_id("bad")
    with Connection(platform.environment()["MODELYARD_AMQP_URI"]) as connection:
        channel = connection.channel()
        message = channel.prepare_message(b'{"no": "event"}', properties={"delivery_mode": 2, "message_id": message_id})
        channel.basic_publish_confirm(message, exchange="scheduler.events", routing_key="workload.exited")
    return message_id


def letters(client: Client, message_id: str) -> dict[str, Any]:
    """By queue."""
    found = client.pages("/api/v1/dead-letters", "dead_letters")
    return {letter["queue"]: letter for letter in found if letter["event_id"] == message_id}


def test_dead_letters_are_listed_shown_replayed_and_dropped(run: Run, client: Client, malformed: str) -> None:
    every = {QUEUE, "serving-events.scheduler.v1", "scheduler.events.log"}

    def collected() -> bool:
        assert letters(client, malformed).keys() == every
        return True

    eventually(collected, timeout=60, interval=0.5)
    listed = json.loads(run("dead-letters", "list", "--queue", QUEUE, "--json").stdout)
    (letter,) = [one for one in listed if one["event_id"] == malformed]
    shown = json.loads(run("dead-letters", "show", letter["id"]).stdout)
    assert (shown["reason"], shown["body"], shown["deaths"]) == ("malformed", '{"no": "event"}', 1)
    assert letter["id"] in run("dead-letters", "list").stdout
    run("dead-letters", "replay", letter["id"], check=False)  # it may have died again before the command looks
    eventually(lambda: letters(client, malformed)[QUEUE]["deaths"] == 2, timeout=60, interval=0.5)
    assert run("dead-letters", "drop", letter["id"], check=False).returncode != 0, "it must not go unasked"
    for one in letters(client, malformed).values():
        run("dead-letters", "drop", one["id"], "--yes")
    assert letters(client, malformed) == {}
    assert run("dead-letters", "replay", check=False).returncode == 2


def test_all_content_of_what_there_is_is_referred_to_and_there(run: Run, platform: Platform, client: Client) -> None:
    """After whatever other tests left; a job of its own would cost a minute."""
    environment = platform.environment()
    names = {name: f"MODELYARD_{name.upper()}" for name in KernelSettings.model_fields}
    settings = KernelSettings.model_validate(
        {name: environment[key] for name, key in names.items() if key in environment}
    )
    told = {reference.name for reference in Peers(settings).references()}
    algorithms = client.get("/api/v1/algorithms")["algorithms"]
    models = list(client.pages("/api/v1/models", "models"))
    versions = [
        one for model in models for one in client.get(f"/api/v1/models/{model['id']}/versions")["model_versions"]
    ]
    wanted = {one["bundle"]["index"] for one in versions} | {one["provenance"]["manifest"] for one in versions}
    assert len(told) >= len(algorithms) > 0
    assert wanted <= told
    found = json.loads(run("gc", "--dry-run", "--json").stdout)
    assert (found["state"], found["missing"], found["removed"]["objects"]) == ("STATE_DONE", "0", "0")
    assert int(found["scanned"]) == int(found["referenced"]) + int(found["young"]["objects"])
    assert int(found["referenced"]) >= len(algorithms)


def test_the_doctor_finds_a_running_platform_well(run: Run) -> None:
    done = run("doctor", "--json", check=False)
    findings: Sequence[dict[str, str]] = json.loads(done.stdout)["findings"]
    # What the machine is like, such as its disk, is not the platform's fault.
    ours = [
        one for one in findings if one["check"] not in ("disk", "inodes", "settings", "dead letters", "scheduler: node")
    ]
    assert [one for one in ours if one["level"] == "wrong"] == []
    checks = {one["check"] for one in findings}
    assert {"mongodb", "rabbitmq", "queues", "object store", "triton", "gateway", "garbage"} <= checks
    for service in ("dataset", "algorithm", "trainer", "scheduler", "serving", "gateway"):
        assert {f"{service}: control", f"{service}: events", f"program {service}"} <= checks

"""The doctor on an instance of its own: servers are stopped, and it names them and says what to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.settings import Instance
from deploy.embedded.supervisor import Supervisor
from deploy.operation.doctor import command
from services.kernel.diagnosis import Finding, Level
from tests.support.servers import free_port_base, start_servers, stop_servers


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    home = tmp_path_factory.mktemp("doctor") / "home"
    running = start_servers(home, free_port_base()).instance
    yield running
    stop_servers(running.home, running.port_base)


@pytest.fixture(autouse=True)
def _environment(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODELYARD_MONGO_URI", "MODELYARD_URL", "MODELYARD_GATEWAY_HTTP", "MODELYARD_AMQP_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MODELYARD_HOME", str(instance.home))
    monkeypatch.setenv("MODELYARD_PORT_BASE", str(instance.port_base))


def examined() -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in command.examine():
        found.setdefault(finding.check, []).append(finding)
    return found


def is_well(findings: list[Finding]) -> bool:
    return all(finding.level is Level.OK for finding in findings)


def test_servers_that_run_are_well_and_a_gateway_that_does_not_is_named(instance: Instance) -> None:
    found = examined()
    running = ("mongodb", "mongodb transactions", "clock", "rabbitmq", "rabbitmq alarms", "queues", "object store")
    assert {name: found.get(name) for name in running if not is_well(found[name])} == {}
    for name in ("disk", "secrets", "processes", "program mongod", "program rabbitmq"):
        assert found[name], name
    assert f"nobody answers at http://{instance.address('gateway-http')}" in found["gateway"][0].message
    assert "make up" in found["gateway"][0].advice
    assert "nobody holds the control lease" in found["trainer: control"][0].message


@pytest.mark.parametrize(("program", "check"), [("objectstore", "object store"), ("rabbitmq", "rabbitmq")])
def test_a_server_that_was_stopped_is_named(instance: Instance, program: str, check: str) -> None:
    supervisor = Supervisor(instance)
    supervisor.stop_program("servers", program)
    try:
        found = examined()
    finally:
        supervisor.start_program("servers", program)
    (stopped,) = found[f"program {program}"]
    assert stopped.level is Level.WRONG
    assert "it is stopped" in stopped.message
    assert "make up" in stopped.advice
    assert found[check][0].level is Level.WRONG
    assert found[check][0].advice


def test_a_missing_secret_is_named_and_not_made(instance: Instance) -> None:
    path = instance.home / "secrets" / "s3-secret-key"
    content = path.read_text()
    path.unlink()
    try:
        found = examined()
        assert not path.exists()
    finally:
        path.write_text(content)
        path.chmod(0o600)
    assert "s3_secret_key" in found["secrets"][0].message


def test_what_was_never_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("MODELYARD_URL", "http://127.0.0.1:1")
    assert [finding.check for finding in command.examine()] == ["gateway"]
    assert not (tmp_path / "none").exists()

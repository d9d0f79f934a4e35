"""Each check of the doctor finds the thing that is broken, and says what to do."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from deploy.embedded.processes import MARKER, marker
from deploy.embedded.secrets import load_secrets
from deploy.embedded.settings import Instance
from deploy.embedded.supervisor import State
from deploy.operation.doctor import broker, command, machine, platform, programs, servers
from protos.operation.v1 import operation_pb2
from services.gateway.cli import app as public
from services.kernel.diagnosis import Finding, Level, examined, of_condition
from services.kernel.errors import Unavailable
from services.kernel.storage.condition import ServiceCondition, Stuck
from tests.fakes.object_store import FakeStore

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def worst(findings: Iterable[Finding]) -> Finding:
    order = [Level.OK, Level.WARNING, Level.WRONG]
    found = max(findings, key=lambda finding: order.index(finding.level))
    assert found.level is Level.OK or found.advice, "what is not well needs advice"
    return found


def all_well(findings: Iterable[Finding]) -> bool:
    return worst(findings).level is Level.OK


def usage(free_gib: float, size_gib: float = 100, files: int = 1000, free_files: int = 500) -> os.statvfs_result:
    found = SimpleNamespace(
        f_bavail=int(free_gib * 2**18),
        f_blocks=int(size_gib * 2**18),
        f_frsize=4096,
        f_files=files,
        f_favail=free_files,
    )
    return cast(os.statvfs_result, found)


@pytest.mark.parametrize(
    ("free", "level"), [(50, Level.OK), (4, Level.WARNING), (0.5, Level.WRONG)], ids=["room", "little", "none"]
)
def test_disk(free: float, level: Level, tmp_path: Path) -> None:
    assert worst(machine.disk(tmp_path, usage(free))).level is level


def test_inodes(tmp_path: Path) -> None:
    found = worst(machine.disk(tmp_path, usage(50, free_files=3)))
    assert (found.check, found.level) == ("inodes", Level.WRONG)
    assert all_well(machine.disk(tmp_path, usage(50, files=0, free_files=0)))  # a file system that does not count them


@pytest.fixture
def home(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    load_secrets(tmp_path)
    return tmp_path


def test_secrets_that_others_can_read_or_that_are_gone(home: Path) -> None:
    assert all_well(machine.secrets(home))
    (home / "secrets" / "token-key").chmod(0o640)
    assert "token-key has mode 0640" in worst(machine.secrets(home)).message
    (home / "secrets" / "token-key").chmod(0o600)
    home.chmod(0o755)
    assert f"{home} has mode 0755" in worst(machine.secrets(home)).message
    home.chmod(0o700)
    (home / "secrets" / "mongo-password").unlink()
    assert "mongo_password" in worst(machine.secrets(home)).message


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"MODELYARD_AGENT_SANDBOX": "off"}, "MODELYARD_AGENT_SANDBOX is off"),
        ({"MODELYARD_GATEWAY_HTTP": "0.0.0.0:80"}, "unencrypted"),
        ({"MODELYARD_LOG_LEVEL": "DEBUG"}, "LOG_LEVEL is debug"),
        ({"MODELYARD_RETENTION_OUTBOX_DAYS": "soon"}, "MODELYARD_RETENTION_OUTBOX_DAYS"),
        ({"MODELYARD_RETENTION_INBOX_DAYS": "20"}, "at least 33 are needed"),
    ],
)
def test_unsafe_settings(environ: Mapping[str, str], told: str) -> None:
    assert all_well(machine.settings({"MODELYARD_GATEWAY_HTTP": "127.0.0.1:18000"}, sandbox=True))
    assert told in worst(machine.settings(environ, sandbox=True)).message


def test_no_sandbox_at_all() -> None:
    assert "bubblewrap" in worst(machine.settings({}, sandbox=False)).message


def test_a_process_that_nobody_supervises(home: Path) -> None:
    instance = Instance(home=home)
    assert all_well(machine.orphans(instance, None))
    environ = {**os.environ, MARKER: marker(home, "gateway")}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environ) as process:
        try:
            assert f"gateway ({process.pid})" in worst(machine.orphans(instance, None)).message
            assert all_well(machine.orphans(instance, os.getpid()))
            assert all_well(machine.orphans(Instance(home=home / "other"), None))
        finally:
            process.kill()


def state(name: str, is_now: str = "RUNNING") -> State:
    return State(name, "platform", is_now, 4711, 60, "Exited too quickly")


def test_a_program_that_does_not_run_is_shown_with_its_last_words(home: Path) -> None:
    instance = Instance(home=home)
    instance.make_folders()
    (instance.logs / "trainer.log").write_text("a\nb\nImportError: no module named torch\n")
    found = worst(programs.of_states([state("dataset"), state("trainer", "BACKOFF")], Counter(), instance))
    assert found.check == "program trainer"
    assert "backoff" in found.message
    assert "ImportError: no module named torch" in found.message
    assert all_well(programs.of_states([state("dataset")], Counter(), instance))


def test_a_program_that_restarts_again_and_again(home: Path) -> None:
    log = "".join(
        f"2026-11-26 11:{minute:02}:00,123 INFO exited: {name} (exit status 1; not expected)\n"
        for minute, name in ((10, "serving"), (52, "serving"), (53, "agent"), (54, "serving"), (55, "serving"))
    )
    exits = programs.recent_exits(log, NOW.replace(tzinfo=None))
    assert exits == {"serving": 3, "agent": 1}
    found = worst(programs.of_states([state("agent"), state("serving")], exits, Instance(home=home)))
    assert (found.check, "restarted 3 times" in found.message) == ("program serving", True)


def test_alarms() -> None:
    assert all_well(broker.of_status({"alarms": []}))
    assert "disk" in worst(broker.of_status({"alarms": [{"resource": "disk", "node": "a"}]})).message


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"leader": "", "state": "down"}, "no leader"),
        ({"messages_ready": 4, "consumers": 0}, "nobody reads it"),
        ({"messages_ready": 2000}, "2000 messages wait"),
        ({"messages_unacknowledged": 900}, "not answered"),
        ({"name": "t.s.v1.dead", "messages_ready": 2, "consumers": 0}, "not collected"),
    ],
    ids=["leader", "no consumer", "backlog", "unanswered", "dead letters"],
)
def test_queues(row: Mapping[str, Any], told: str) -> None:
    healthy = {
        "name": "t.s.v1",
        "messages_ready": 0,
        "messages_unacknowledged": 1,
        "consumers": 1,
        "state": "running",
        "leader": "n",
    }
    waiting = healthy | {"name": "t.s.v1.retry.1000ms", "messages_ready": 3, "consumers": 0}
    assert all_well(broker.of_queues([healthy, waiting]))
    assert told in worst(broker.of_queues([healthy, healthy | dict(row)])).message


def test_mongodb() -> None:
    primary = {"setName": "rs0", "isWritablePrimary": True}
    assert servers.of_hello(primary, "8.0").level is Level.OK
    assert "replica set" in servers.of_hello({"isWritablePrimary": True}, "8.0").message
    assert "not primary" in servers.of_hello({"setName": "rs0", "secondary": True}, "8.0").message
    assert servers.of_transaction_limit(60).level is Level.WARNING
    assert servers.of_transaction_limit(10).level is Level.OK


def test_clocks() -> None:
    assert servers.of_clock("x", NOW, NOW + timedelta(seconds=2)).level is Level.OK
    assert "90 s off" in servers.of_clock("x", NOW.replace(tzinfo=None), NOW + timedelta(seconds=90)).message


def test_a_lease_of_a_process_that_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert "is gone" in worst(servers.lease_holder("trainer", f"host:{process.pid}:control-1")).message
    assert list(servers.lease_holder("trainer", f"host:{os.getpid()}:control-1")) == []


def test_object_store(monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeStore()
    assert all_well(servers.object_store(cast(Any, None), store))
    assert store.objects == {}
    with monkeypatch.context() as patch:
        patch.setattr(store, "delete", lambda key: None)
        assert "does not give back" in worst(servers.object_store(cast(Any, None), store)).message
    store.away = True
    assert "does not answer" in worst(servers.object_store(cast(Any, None), store)).message


def test_triton() -> None:
    models = [
        {"name": "svc-1", "state": "READY", "reason": ""},
        {"name": "svc-2", "state": "UNAVAILABLE", "reason": "unloaded"},
        {"name": "svc-3", "state": "UNAVAILABLE", "reason": "Internal: no such file\nmore"},
    ]
    assert list(servers.of_models(models[:2])) == []
    assert worst(servers.of_models(models)).message == "svc-3 could not be loaded: Internal: no such file"
    assert "not ready" in worst(servers.triton("127.0.0.1:1")).message


def condition(**changes: Any) -> ServiceCondition:
    return ServiceCondition(**{"service": "trainer", "control_holder": "host:1:control-1", "time": NOW, **changes})


@pytest.mark.parametrize(
    ("changes", "level", "told"),
    [
        ({"error": "It does not answer."}, Level.WRONG, "does not answer"),
        ({"control_holder": ""}, Level.WRONG, "nobody holds the control lease"),
        ({"unsent_events": 7, "oldest_unsent_at": NOW - timedelta(minutes=1)}, Level.WARNING, "7 events"),
        ({"unsent_events": 7, "oldest_unsent_at": NOW - timedelta(hours=3)}, Level.WRONG, "3 h"),
        ({"stuck": (Stuck("run", "task-1-1", "preparing", NOW - timedelta(hours=2)),)}, Level.WARNING, "for 2 h"),
        ({"stuck": (Stuck("node", "n-1", "lost", NOW, "alpha"),)}, Level.WARNING, "node n-1 (alpha)"),
        ({"stuck": (Stuck("job", "job-1", "pending", NOW),)}, Level.WARNING, "job job-1"),
    ],
)
def test_the_condition_of_a_service(changes: dict[str, Any], level: Level, told: str) -> None:
    assert all_well(of_condition(condition()))
    found = worst(of_condition(condition(**changes)))
    assert found.level is level
    assert told in found.message


def test_dead_letters_and_garbage() -> None:
    assert platform.of_dead_letters(0).level is Level.OK
    assert platform.of_dead_letters(3).level is Level.WARNING
    last = operation_pb2.GarbageCollection(state=operation_pb2.GarbageCollection.STATE_DONE)
    last.created_at.FromDatetime(NOW - timedelta(days=1))
    assert all_well(platform.of_garbage(last, NOW))
    assert worst(platform.of_garbage(last, NOW + timedelta(days=9))).level is Level.WARNING
    last.missing, last.missing_names[:] = 1, ["bundle aa"]
    assert "bundle aa" in worst(platform.of_garbage(last, NOW)).message
    last.missing, last.state, last.error = 0, operation_pb2.GarbageCollection.STATE_FAILED, "trainer is away."
    assert "trainer is away." in worst(platform.of_garbage(last, NOW)).message


def test_certificates() -> None:
    assert platform.of_certificate("Dec 26 12:00:00 2026 GMT", NOW).level is Level.OK
    assert platform.of_certificate("Nov 30 12:00:00 2026 GMT", NOW).level is Level.WARNING


def test_a_gateway_that_is_away() -> None:
    assert "nobody answers" in worst(platform.ready("http://127.0.0.1:1")).message


def test_a_check_that_cannot_be_made_is_a_finding() -> None:
    def look() -> list[Finding]:
        raise Unavailable("no")

    assert "could not be examined" in worst(examined("x", look)).message


@pytest.mark.parametrize(("level", "code"), [(Level.OK, 0), (Level.WARNING, 0), (Level.WRONG, 1)])
def test_the_command_says_by_its_exit_code_whether_something_is_wrong(
    level: Level, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "examine", lambda: iter([Finding("disk", level, "told", "do this")]))
    command.register(public.app)
    plain = CliRunner().invoke(public.app, ["doctor"])
    assert plain.exit_code == code
    assert "disk: told" in plain.output
    as_json = CliRunner().invoke(public.app, ["doctor", "--json"])
    assert as_json.exit_code == code
    assert f'"level": "{level}"' in as_json.output

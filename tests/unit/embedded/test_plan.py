from pathlib import Path

import pytest

from deploy.embedded.plan import PROCESSES, environment, platform_programs, server_programs
from deploy.embedded.program import STAGES
from deploy.embedded.secrets import load_secrets
from deploy.embedded.settings import (
    HIGHEST_OFFSET,
    PORT_OFFSETS,
    EmbeddedError,
    Instance,
    instance_from_environment,
)
from deploy.embedded.supervisor import Supervisor


def test_ports_are_distinct_and_inside_the_range() -> None:
    metrics = [30 + index for index in range(2 * len(PROCESSES))]
    offsets = [*PORT_OFFSETS.values(), *metrics]
    assert len(set(offsets)) == len(offsets)
    assert max(offsets) <= HIGHEST_OFFSET


def test_no_secret_stands_in_a_command_line_or_in_the_configuration(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.make_folders()
    secrets = load_secrets(tmp_path)
    programs = [*server_programs(instance, secrets, with_triton=True), *platform_programs(instance, secrets)]
    Supervisor(instance).configure(programs)
    shown = (tmp_path / "run" / "supervisord.conf").read_text() + str([program.command for program in programs])
    for value in vars(secrets).values():
        assert value not in shown
    for file in (tmp_path / "run" / "launch").iterdir():
        assert file.stat().st_mode & 0o077 == 0


def test_servers_of_somebody_else_are_not_started(tmp_path: Path) -> None:
    secrets = load_secrets(tmp_path)
    instance = Instance(tmp_path, amqp_uri="amqp://u:p@broker//", triton_grpc="gpu:8001", triton_http="gpu:8000")
    names = {program.name for program in server_programs(instance, secrets, with_triton=True)}
    assert names == {"mongod", "objectstore"}
    variables = environment(instance, secrets)
    assert variables["MODELYARD_AMQP_URI"] == "amqp://u:p@broker//"
    assert variables["MODELYARD_TRITON_GRPC"] == "gpu:8001"


def test_another_instance_in_the_callers_environment_does_not_leak_in(tmp_path: Path) -> None:
    inherited = {
        "MODELYARD_MONGO_URI": "mongodb://other/",
        "MODELYARD_METRICS_PORT": "1",
        "MODELYARD_LOG_LEVEL": "debug",
        "PYTHONPATH": "/elsewhere",
    }
    instance = Instance(tmp_path, 30000, inherited=inherited)
    for index, program in enumerate(platform_programs(instance, load_secrets(tmp_path))):
        assert "127.0.0.1:30020" in program.environment["MODELYARD_MONGO_URI"]
        assert program.environment["MODELYARD_METRICS_PORT"] == str(30030 + index)
        assert program.environment["MODELYARD_LOG_LEVEL"] == "debug"
        assert "PYTHONPATH" not in program.environment


def test_copies_listen_on_ports_of_their_own_and_are_reached_together(tmp_path: Path) -> None:
    secrets = load_secrets(tmp_path)
    programs = {program.name: program for program in platform_programs(Instance(tmp_path, 30000, copies=2), secrets)}
    assert set(programs) == {
        name for process in PROCESSES for name in (process.name, *([f"{process.name}-2"] if process.copied else []))
    }
    for name, listen in (("dataset", "127.0.0.1:30010"), ("dataset-2", "127.0.0.1:30015")):
        assert programs[name].environment["MODELYARD_GRPC_LISTEN"] == programs[name].address == listen
        assert programs[name].environment["MODELYARD_DATASET_GRPC"] == "ipv4:127.0.0.1:30010,127.0.0.1:30015"
    assert programs["gateway-2"].environment["MODELYARD_GATEWAY_HTTP"] == "127.0.0.1:30002"
    assert "agent-2" not in programs
    metrics = [program.environment["MODELYARD_METRICS_PORT"] for program in programs.values()]
    assert len(set(metrics)) == len(metrics)


@pytest.mark.parametrize("text", ["0", "3", "two", "-1"])
def test_an_impossible_number_of_copies_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(EmbeddedError, match="MODELYARD_COPIES"):
        instance_from_environment({"MODELYARD_HOME": str(tmp_path), "MODELYARD_COPIES": text})


def test_copies_are_remembered(tmp_path: Path) -> None:
    instance = Instance(tmp_path, 30000, copies=2)
    instance.make_folders()
    instance.remember()
    assert instance_from_environment({"MODELYARD_HOME": str(tmp_path)}).copies == 2


def test_a_changed_plan_is_noticed(tmp_path: Path) -> None:
    instance = Instance(tmp_path, 30000)
    instance.make_folders()
    secrets = load_secrets(tmp_path)
    supervisor = Supervisor(instance)
    supervisor.configure(server_programs(instance, secrets, with_triton=True))
    assert supervisor.configured_for(server_programs(instance, secrets, with_triton=True))
    assert not supervisor.configured_for(server_programs(instance, secrets, with_triton=False))
    moved = Instance(tmp_path, 31000)
    assert not Supervisor(moved).configured_for(server_programs(moved, secrets, with_triton=True))


def test_every_program_has_a_known_stage(tmp_path: Path) -> None:
    instance, secrets = Instance(tmp_path), load_secrets(tmp_path)
    programs = [*server_programs(instance, secrets, with_triton=True), *platform_programs(instance, secrets)]
    assert {program.stage for program in programs} == set(STAGES)
    assert len({program.name for program in programs}) == len(programs)

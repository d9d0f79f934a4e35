from pathlib import Path

import pytest

from deploy.embedded.settings import DEFAULT_PORT_BASE, EmbeddedError, Instance, instance_from_environment


def test_ports_follow_the_base(tmp_path: Path) -> None:
    instance = instance_from_environment({"MODELYARD_HOME": str(tmp_path), "MODELYARD_PORT_BASE": "30000"})
    assert instance.home == tmp_path
    assert instance.address("gateway-http") == "127.0.0.1:30000"
    assert instance.address("mongod") == "127.0.0.1:30020"


def test_the_ports_of_the_last_start_are_remembered(tmp_path: Path) -> None:
    started = Instance(tmp_path, 31000)
    started.make_folders()
    started.remember()
    assert instance_from_environment({"MODELYARD_HOME": str(tmp_path)}).port_base == 31000
    assert instance_from_environment({"MODELYARD_HOME": str(tmp_path / "other")}).port_base == DEFAULT_PORT_BASE


@pytest.mark.parametrize("value", ["80", "65500", "abc", "-1", "1e4"])
def test_impossible_ports_are_refused_by_name(tmp_path: Path, value: str) -> None:
    with pytest.raises(EmbeddedError, match="MODELYARD_PORT_BASE"):
        instance_from_environment({"MODELYARD_HOME": str(tmp_path), "MODELYARD_PORT_BASE": value})


def test_a_broker_elsewhere_is_taken_and_our_own_is_not_mistaken_for_one(tmp_path: Path) -> None:
    common = {"MODELYARD_HOME": str(tmp_path), "MODELYARD_PORT_BASE": "30000"}
    foreign = instance_from_environment(common | {"MODELYARD_AMQP_URI": "amqp://u:p@broker:5672//"})
    own = instance_from_environment(common | {"MODELYARD_AMQP_URI": "amqp://u:p@127.0.0.1:30021//"})
    assert foreign.amqp_uri == "amqp://u:p@broker:5672//"
    assert own.amqp_uri is None

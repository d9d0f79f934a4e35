"""The servers as they are started for real, and what happens when something kills them."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import amqp
import kombu
import pytest
from pymongo import MongoClient

from deploy.embedded.launch import record_path
from deploy.embedded.processes import read_record
from deploy.embedded.rabbitmq import SERVER, control_environment
from deploy.embedded.settings import EmbeddedError, Instance
from deploy.embedded.stack import Stack
from tests.support.polling import eventually
from tests.support.servers import Servers, free_port_base, start_servers, stop_servers

Mongo = MongoClient[dict[str, Any]]
StartNew = Callable[[str], Servers]


@pytest.fixture
def start_new(tmp_path: Path) -> Iterator[StartNew]:
    """Start an instance of its own by name; all are stopped and removed in the end."""
    started: list[tuple[Path, int]] = []

    def start(name: str) -> Servers:
        started.append((tmp_path / name, free_port_base()))
        return start_servers(*started[-1])

    yield start
    for home, base in started:
        stop_servers(home, base)
        shutil.rmtree(home)


def pids(servers: Servers) -> dict[str, int]:
    return {row.state.name: row.state.pid for row in Stack(servers.instance).status() if row.state.pid}


def supervisord_pid(servers: Servers) -> int:
    return int((servers.instance.run / "supervisord.pid").read_text())


def again(servers: Servers, lines: list[str] | None = None) -> None:
    said = [] if lines is None else lines
    start_servers(servers.instance.home, servers.instance.port_base, say=said.append)


def publish(servers: Servers, queue: str, text: str) -> None:
    """To a durable quorum queue, confirmed."""
    options = {"confirm_publish": True}
    with kombu.Connection(servers.amqp_uri, transport_options=options) as connection, connection.channel() as channel:
        target = kombu.Queue(queue, durable=True, queue_arguments={"x-queue-type": "quorum"}, channel=channel)
        target.declare()
        kombu.Producer(channel).publish(text, routing_key=queue, delivery_mode=2)


def received(servers: Servers, queue: str) -> str | None:
    with kombu.Connection(servers.amqp_uri) as connection, connection.channel() as channel:
        target = kombu.Queue(queue, durable=True, queue_arguments={"x-queue-type": "quorum"}, channel=channel)
        try:
            message = target.get(no_ack=True)
        except amqp.NotFound:
            return None
        return None if message is None else str(message.payload)


def on_disk(servers: Servers, queue: str) -> bool:
    """Whether the broker has written down that the quorum queue exists.

    It does so seconds after it confirmed the declaration and first messages; killed before, it loses the queue (a
    weakness of RabbitMQ 3.10, not of how we run it).
    """
    names = next((servers.instance.data / "rabbitmq" / "mnesia").rglob("names.dets"))
    return queue.encode() in names.read_bytes()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def recorded(servers: Servers, program: str) -> int:
    record = read_record(record_path(servers.instance.home, program))
    assert record is not None
    return record.pid


def test_servers_outlive_their_supervisord(start_new: StartNew) -> None:
    servers = start_new("a")
    with Mongo(servers.mongo_uri) as client:
        client.test.notes.insert_one({"_id": "kept"})
        publish(servers, "kept", "hello")
        eventually(lambda: on_disk(servers, "kept"), 30)
        before = pids(servers)
        os.kill(supervisord_pid(servers), signal.SIGKILL)
        eventually(lambda: not alive(supervisord_pid(servers)))

        lines: list[str] = []
        again(servers, lines)

        assert {name for name in before if any(line.startswith(f"{name} has outlived") for line in lines)} == set(
            before
        )
        assert {name: recorded(servers, name) for name in before} == before
        assert client.test.notes.find_one({"_id": "kept"})
        assert received(servers, "kept") == "hello"
        # What they print is in their logs again, and one that dies is started anew.
        log = servers.instance.logs / "mongod.log"
        size = log.stat().st_size
        client.admin.command("setParameter", 1, logLevel=1)
        eventually(lambda: log.stat().st_size > size, 30)
        os.kill(before["mongod"], signal.SIGKILL)
        eventually(lambda: recorded(servers, "mongod") != before["mongod"], 30)
        assert client.test.notes.find_one({"_id": "kept"})


def test_what_outlived_another_plan_is_ended(start_new: StartNew) -> None:
    servers = start_new("a")
    publish(servers, "kept", "hello")
    eventually(lambda: on_disk(servers, "kept"), 30)
    before = pids(servers)
    os.kill(supervisord_pid(servers), signal.SIGKILL)
    eventually(lambda: not alive(supervisord_pid(servers)))
    for name in before:
        path = record_path(servers.instance.home, name)
        path.write_text(path.read_text().replace('"specification": "', '"specification": "another'))
    lines: list[str] = []
    again(servers, lines)
    assert not any(alive(pid) for pid in before.values())
    assert {name for name in before if any(f"ended {name}," in line for line in lines)} == set(before)
    assert received(servers, "kept") == "hello"


def test_an_acknowledged_write_survives_a_killed_mongod(start_new: StartNew) -> None:
    servers = start_new("a")
    with Mongo(servers.mongo_uri) as client:
        for number in range(200):
            client.test.notes.insert_one({"_id": number})
        mongod = pids(servers)["mongod"]
        os.kill(mongod, signal.SIGKILL)
        eventually(lambda: pids(servers).get("mongod") not in (None, mongod), 30)
        # the driver waits for a primary by itself
        assert client.test.notes.count_documents({}) == 200
        with client.start_session() as session, session.start_transaction():
            client.test.notes.insert_one({"_id": "transaction"}, session=session)


def test_a_killed_broker_and_port_mapper_come_back(start_new: StartNew) -> None:
    servers = start_new("a")
    publish(servers, "kept", "hello")
    eventually(lambda: on_disk(servers, "kept"), 30)
    before = pids(servers)
    for name in ("rabbitmq", "epmd"):
        os.killpg(before[name], signal.SIGKILL)
    eventually(
        lambda: pids(servers).keys() >= {"rabbitmq", "epmd"} and pids(servers)["rabbitmq"] != before["rabbitmq"], 30
    )
    again(servers)
    assert received(servers, "kept") == "hello"


def test_two_instances_live_side_by_side(start_new: StartNew) -> None:
    first, second = start_new("a"), start_new("b")
    publish(first, "only-in-first", "hello")
    assert received(second, "only-in-first") is None
    assert received(first, "only-in-first") == "hello"
    with Mongo(first.mongo_uri) as one, Mongo(second.mongo_uri) as two:
        one.test.notes.insert_one({"_id": "first"})
        assert two.test.notes.count_documents({}) == 0
    stop_servers(first.instance.home, first.instance.port_base)
    again(second)
    assert set(pids(second)) == {"epmd", "rabbitmq", "mongod", "objectstore"}


def test_a_stopped_instance_leaves_no_process_and_can_move_to_other_ports(start_new: StartNew) -> None:
    servers = start_new("a")
    with Mongo(servers.mongo_uri) as client:
        client.test.notes.insert_one({"_id": "kept"})
    publish(servers, "kept", "hello")
    before = [*pids(servers).values(), supervisord_pid(servers)]
    stop_servers(servers.instance.home, servers.instance.port_base)
    assert not any(alive(pid) for pid in before)

    moved = start_servers(servers.instance.home, free_port_base())
    try:
        with Mongo(moved.mongo_uri) as client:
            assert client.test.notes.find_one({"_id": "kept"})
        assert received(moved, "kept") == "hello"
    finally:
        stop_servers(moved.instance.home, moved.instance.port_base)


def test_a_taken_port_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    base = free_port_base()
    with socket.create_server(("127.0.0.1", base + 24)):
        with pytest.raises(EmbeddedError, match=rf"port {base + 24}.*objectstore.*MODELYARD_PORT_BASE"):
            start_servers(tmp_path / "home", base)
        assert not pids_of(tmp_path / "home", base)
    stop_servers(tmp_path / "home", base)


def pids_of(home: Path, base: int) -> list[str]:
    return [row.state.name for row in Stack(Instance(home, base)).status() if row.state.pid]


# As a full disk ends them.
FAIL_TO_LOG = "exit(whereis(ra_log_wal), kill)."
FAIL_TO_FLUSH = "exit(whereis(ra_log_segment_writer), kill)."
STOP_MNESIA = "application:stop(mnesia)."


@pytest.mark.parametrize("damage", [FAIL_TO_LOG, FAIL_TO_FLUSH, STOP_MNESIA], ids=["log", "segments", "mnesia"])
def test_a_broker_of_which_a_part_has_failed_ends_and_comes_back(start_new: StartNew, damage: str) -> None:
    servers = start_new("a")
    publish(servers, "kept", "hello")
    eventually(lambda: on_disk(servers, "kept"), 30)
    before = recorded(servers, "rabbitmq")
    control = SERVER.with_name("rabbitmqctl")
    environment = control_environment(servers.instance)
    subprocess.run([control, "eval", damage], env=environment, capture_output=True, check=False)  # it may end at once
    eventually(lambda: recorded(servers, "rabbitmq") != before, 30)
    again(servers)
    assert received(servers, "kept") == "hello"


def test_a_first_start_killed_half_way_is_made_good(tmp_path: Path) -> None:
    home, base = tmp_path / "home", free_port_base()
    stack = Stack(Instance(home, base))

    class Killed(Exception):
        pass

    def kill_everything(line: str) -> None:
        if line.startswith("epmd"):
            return
        for row in stack.status():
            if row.state.pid:
                os.killpg(row.state.pid, signal.SIGKILL)
        os.kill(int((stack.instance.run / "supervisord.pid").read_text()), signal.SIGKILL)
        raise Killed

    with pytest.raises(Killed):
        stack.up(kill_everything, without=("triton",), last_stage="servers")
    try:
        servers = start_servers(home, base)
        publish(servers, "queue", "hello")
        assert received(servers, "queue") == "hello"
        with Mongo(servers.mongo_uri) as client:
            client.test.notes.insert_one({"_id": 1})
    finally:
        stop_servers(home, base)


def test_everything_listens_on_loopback_only(start_new: StartNew) -> None:
    servers = start_new("a")
    base = servers.instance.port_base
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = [row[1] for row in listening if row[3] == "0A" and base <= int(row[1].split(":")[1], 16) < base + 50]
    assert len(ours) >= 5
    assert all(address.startswith("0100007F:") for address in ours)

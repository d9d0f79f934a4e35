"""A broker killed right after a queue was declared knows the queue and cannot reach it: it is made anew."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest
from amqp import Message
from kombu import Connection
from kombu.exceptions import OperationalError

from deploy.embedded.servers import describe
from deploy.embedded.settings import Instance
from deploy.embedded.stack import Stack
from services.kernel.messaging.declaration import declare, declare_at
from services.kernel.messaging.topology import Exchange, Queue, Topology
from tests.support.polling import eventually
from tests.support.servers import free_port_base

ATTEMPTS = 12


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(Instance(tmp_path_factory.mktemp("broker") / "home", free_port_base()))
    try:
        stack.up(lambda _: None, without=("mongod", "objectstore", "triton"), last_stage="servers")
        yield stack
    finally:
        stack.down()


def topology(attempt: int) -> Topology:
    queues = tuple(
        Queue(f"dying.{attempt}.{number}", exchange="dying.events", routing_keys=("#",)) for number in range(3)
    )
    return Topology(Exchange("dying.events"), queues)


def kill(broker: Stack) -> None:
    pid = int((broker.instance.data / "rabbitmq" / "pid").read_text())
    os.kill(pid, signal.SIGKILL)


def takes_a_message(uri: str, queue: str) -> bool:
    with Connection(uri, connect_timeout=5, transport_options={"confirm_publish": True}) as connection:
        try:
            connection.channel().basic_publish(
                Message(b"x", delivery_mode=2), routing_key=queue, mandatory=True, confirm_timeout=5
            )
        except TimeoutError:
            connection.collect(1)
            return False
    return True


def messages(uri: str, queue: str) -> int:
    with Connection(uri) as connection:
        return int(connection.channel().queue_declare(queue, passive=True).message_count)


def answers(uri: str) -> bool:
    try:
        with Connection(uri, connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
    except (OSError, OperationalError) as error:
        raise AssertionError(repr(error)) from error
    return True


def a_dead_queue(broker: Stack, uri: str) -> Topology:
    """Kill the broker while queues settle until one of them is dead."""

    class Killed(Exception):
        pass

    def killed(_: float) -> None:
        kill(broker)
        raise Killed

    for attempt in range(ATTEMPTS):
        with suppress(Killed), Connection(uri, connect_timeout=5) as connection:
            declare(connection, [topology(attempt)], sleep=killed)
        eventually(lambda: answers(uri), 120, 0.3)
        if not all(takes_a_message(uri, queue.name) for queue in topology(attempt).queues):
            return topology(attempt)
    pytest.fail(f"no queue died in {ATTEMPTS} attempts")


def test_a_dead_queue_is_made_anew_and_takes_messages(broker: Stack) -> None:
    uri = describe(broker).amqp_uri
    dead = a_dead_queue(broker, uri)
    declare_at(uri, [dead])
    assert all(takes_a_message(uri, queue.name) for queue in dead.queues)


def test_a_queue_that_has_settled_survives_a_kill(broker: Stack) -> None:
    uri = describe(broker).amqp_uri
    settled = topology(100)
    declare_at(uri, [settled])
    assert all(takes_a_message(uri, queue.name) for queue in settled.queues)
    kill(broker)
    eventually(lambda: answers(uri), 120, 0.3)
    declare_at(uri, [settled])
    # The counts that the broker tells are a little late after a start.
    assert eventually(lambda: all(messages(uri, queue.name) == 1 for queue in settled.queues), 30)

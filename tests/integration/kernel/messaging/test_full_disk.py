"""A disk that is full for a while, and a broker that is killed afterwards, cost no message that was confirmed."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest
from amqp import Message
from amqp.exceptions import MessageNacked
from kombu import Connection

from deploy.embedded.servers import describe
from deploy.embedded.settings import Instance
from deploy.embedded.stack import Stack
from services.kernel.messaging.declaration import BROKER_ERRORS, declare_at
from services.kernel.messaging.topology import Exchange, Queue, Topology
from tests.faults.quota import Quota
from tests.integration.kernel.messaging.test_dead_queue import answers, kill
from tests.support.polling import eventually
from tests.support.servers import free_port_base

QUEUES = 8
ROUNDS = 3
SIZE = 512 << 20
FULL_S = 4.0
BODY = b"x" * 2000


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    quota = Quota(tmp_path_factory.mktemp("full") / "disk", SIZE)
    if not quota.mount():
        pytest.skip("only root may mount a file system of a given size")
    stack = Stack(Instance(quota.folder / "home", free_port_base()))
    try:
        stack.up(lambda _: None, without=("mongod", "objectstore", "triton"), last_stage="servers")
        yield stack
    finally:
        stack.down()
        quota.unmount()


def publish(uri: str, names: list[str], seconds: float, confirmed: Counter[str]) -> None:
    """To each queue in turn, over a new connection after each error."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        options = {"confirm_publish": True, "read_timeout": 3, "write_timeout": 3}
        connection = Connection(uri, connect_timeout=2, transport_options=options)
        try:
            channel = connection.channel()
            while time.monotonic() < ends:
                for name in names:
                    message = Message(BODY, delivery_mode=2)
                    channel.basic_publish(message, routing_key=name, mandatory=True, confirm_timeout=3)
                    confirmed[name] += 1
        except (*BROKER_ERRORS, MessageNacked, TimeoutError):
            time.sleep(0.1)
        finally:
            with suppress(OSError):
                connection.collect(1)


def held(uri: str, name: str) -> int:
    try:
        with Connection(uri, connect_timeout=2) as connection, connection.channel() as channel:
            return int(channel.queue_declare(name, passive=True).message_count)
    except BROKER_ERRORS as error:
        raise AssertionError(repr(error)) from error


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_full_disk_and_a_kill_cost_no_confirmed_message(broker: Stack) -> None:
    uri = describe(broker).amqp_uri
    quota = Quota(broker.instance.home.parent, SIZE)
    names = [f"full.{number}" for number in range(QUEUES)]
    queues = tuple(Queue(name, exchange="full.events", routing_keys=(name,)) for name in names)
    declare_at(uri, [Topology(Exchange("full.events"), queues)])
    confirmed: Counter[str] = Counter()
    for _ in range(ROUNDS):
        publish(uri, names, 1.0, confirmed)
        quota.fill()
        publish(uri, names, FULL_S, confirmed)
        quota.free()
        eventually(lambda: answers(uri), 60, 0.3)
        publish(uri, names, 2.0, confirmed)
        kill(broker)
        eventually(lambda: answers(uri), 60, 0.3)
    assert min(confirmed.values()) > 0
    eventually(lambda: all(held(uri, name) >= confirmed[name] for name in names), 60)

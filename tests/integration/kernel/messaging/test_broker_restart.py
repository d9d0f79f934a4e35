"""Nothing is lost, and no effect happens twice, when the broker is killed and comes back. On a broker of its own."""

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from google.protobuf.struct_pb2 import Struct

from services.kernel.messaging import outbox
from services.kernel.messaging.outbox import OutboxDocument
from services.kernel.messaging.relay import Relay, RelayThread
from services.kernel.messaging.subscription import declare_subscriptions, subscribe
from services.kernel.storage import mongo
from tests.fakes.feed import Sleeper
from tests.integration.kernel.messaging.conftest import Bench, settings_of
from tests.support.polling import eventually
from tests.support.servers import Servers, free_port_base, start_servers, stop_servers

EVENTS = 3000
AGGREGATES = 30


@pytest.fixture
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    home, base = tmp_path_factory.mktemp("broker"), free_port_base()
    try:
        yield start_servers(home, base)
    finally:
        stop_servers(home, base)


def append(number: int) -> None:
    message = Struct()
    message.update({"number": number})
    outbox.append(
        event_type="thing.happened",
        aggregate_id=str(number % AGGREGATES),
        sequence=number // AGGREGATES + 1,
        message=message,
        project="default",
        actor="somebody",
    )


def kill_broker(servers: Servers) -> None:
    pid = int((servers.instance.data / "rabbitmq" / "pid").read_text())
    os.kill(pid, signal.SIGKILL)


def more_effects_than(bench: Bench, count: int) -> bool:
    return len(bench.effects()) > count


def test_broker_killed_while_events_flow(own_servers: Servers, tmp_path: Path) -> None:
    bench = Bench(settings_of(own_servers), own_servers.environment, tmp_path)
    mongo.connect(bench.settings, bench.source)
    mongo.ensure_collections([OutboxDocument])

    class Consumer:
        name = "kernel"
        retry_delays = (0.3, 0.3)
        handle = subscribe(bench.source, "thing.happened", "thing.changed")(lambda self, event: None)

    declare_subscriptions(bench.settings, [Consumer])
    child = bench.kernel("ok")
    relay = RelayThread(Relay(bench.settings, bench.source, Sleeper()))
    relay.start()
    arrived = 0
    try:
        for number in range(EVENTS):
            append(number)
            if number in (EVENTS // 3, 2 * EVENTS // 3):
                wanted = (
                    arrived + 100
                )  # more than was on its way: the second time the broker is back, and events flow again
                eventually(partial(more_effects_than, bench, wanted), 90)
                kill_broker(own_servers)
                arrived = len(bench.effects())
        eventually(lambda: outbox.rows().count_documents({"sent": False}) == 0, 120)
        eventually(lambda: len(bench.effects()) >= EVENTS, 120)
        assert child.terminate() == 0
    finally:
        relay.stop()
        child.process.kill()
    assert child.log().count("broker connection lost") >= 2
    effects = bench.effects()
    assert len(effects) == len(set(effects)) == EVENTS
    assert set(effects) == {row["_id"] for row in outbox.rows().find()}
    mongo.disconnect()

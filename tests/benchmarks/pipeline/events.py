"""Events: from the commit to a subscriber on the broker, and how fast a full outbox is drained."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from kombu import Connection, Consumer, Exchange, Message, Queue

from deploy.embedded.settings import CHECKOUT
from protos.dataset.v1 import dataset_pb2, events_pb2
from services.kernel.ids import new_id
from services.kernel.messaging import outbox, topology
from services.kernel.messaging.envelope import from_json
from services.kernel.storage import mongo
from services.kernel.storage.transactions import in_transaction
from tests.benchmarks.pipeline import measure
from tests.benchmarks.pipeline.instance import Bench
from tests.support.polling import eventually

_A_TRANSACTION = 200
_AGGREGATES = 2000
_EVERY_S = 0.02
_WARM_UP = 20
_LONGEST_S = 300.0


class Subscriber(threading.Thread):
    """Takes every event of one exchange, and remembers when each came."""

    def __init__(self, uri: str, service: str) -> None:
        super().__init__(name="subscriber", daemon=True)
        self.came: dict[str, float] = {}
        self._uri = uri
        self._service = service
        self._over = threading.Event()
        self.listens = threading.Event()

    def run(self) -> None:
        exchange = Exchange(topology.exchange_name(self._service), type="topic", durable=True)
        queue = Queue(new_id("bench"), exchange=exchange, routing_key="#", exclusive=True)
        with (
            Connection(self._uri) as connection,
            connection.channel() as channel,
            Consumer(channel, [queue], on_message=self._take, no_ack=True),
        ):
            self.listens.set()
            while not self._over.is_set():
                with suppress(TimeoutError):
                    connection.drain_events(timeout=0.2)

    def _take(self, message: Message) -> None:
        now = time.perf_counter()
        event = from_json(message.body)
        self.came.setdefault(f"{event.aggregate_id} {event.sequence}", now)

    def close(self) -> None:
        self._over.set()
        self.join()


def measure_events(bench: Bench) -> dict[str, float]:
    """The relay runs in a process of its own, as in production; commits and subscriber are here, on one clock."""
    settings = bench.settings()
    service = new_id("bench").replace("-", "_")
    mongo.connect(settings, service)
    mongo.ensure_collections([outbox.OutboxDocument])
    subscriber = Subscriber(settings.amqp_uri.get_secret_value(), service)
    subscriber.start()
    subscriber.listens.wait(30)
    try:
        with _relay(bench, service):
            late = sorted(_latencies(subscriber, bench.sizes.latency_events))
        found = {"event_p50_ms": measure.percentile(late, 0.5), "event_p99_ms": measure.percentile(late, 0.99)}
        rate = _drain(bench, service, subscriber)
    finally:
        subscriber.close()
        mongo.client().drop_database(f"modelyard_{service}")
        mongo.disconnect()
    return found | {"events_per_s": rate}


def _latencies(subscriber: Subscriber, count: int) -> list[float]:
    """Milliseconds from the return of the commit to the subscriber, fifty commits a second, once the relay works."""
    in_transaction(partial(_append, "ds-first", 1))
    eventually(lambda: "ds-first 1" in subscriber.came, timeout=60)
    committed: dict[str, float] = {}
    for at in range(count + _WARM_UP):
        name = f"ds-latency{at} 1"
        in_transaction(partial(_append, f"ds-latency{at}", 1))
        committed[name] = time.perf_counter()
        time.sleep(_EVERY_S)
    eventually(lambda: committed.keys() <= subscriber.came.keys(), timeout=60)
    measured = list(committed)[_WARM_UP:]
    return [1000 * (subscriber.came[name] - committed[name]) for name in measured]


def _drain(bench: Bench, service: str, subscriber: Subscriber) -> float:
    """Events a second, between the first and the last that the subscriber gets of those that waited."""
    count = bench.sizes.drained_events
    for begin in range(0, count, _A_TRANSACTION):
        in_transaction(partial(_append_all, range(begin, min(begin + _A_TRANSACTION, count))))
    subscriber.came.clear()
    with _relay(bench, service):
        eventually(lambda: len(subscriber.came) >= count, timeout=_LONGEST_S, interval=0.1)
    came = subscriber.came.values()
    return (count - 1) / (max(came) - min(came))


def _append_all(numbers: range) -> None:
    for number in numbers:
        _append(f"ds-{number % _AGGREGATES}", number // _AGGREGATES + 1)


def _append(aggregate_id: str, sequence: int) -> None:
    outbox.append(
        event_type="dataset.updated",
        aggregate_id=aggregate_id,
        sequence=sequence,
        message=events_pb2.DatasetUpdated(dataset=dataset_pb2.Dataset(id=aggregate_id, name="benchmark")),
        project="default",
        actor="benchmark",
    )


@contextmanager
def _relay(bench: Bench, service: str) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.benchmarks.pipeline.relay", service]
    environment = bench.process_environment()
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()

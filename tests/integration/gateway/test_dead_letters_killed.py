"""The collector of dead letters is killed again and again: nothing is lost, nothing takes effect twice."""

import os
import random
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from functools import partial

import pytest
from amqp.exceptions import ConsumerCancelled
from kombu.message import Message

from services.gateway.deadletters.models import State
from services.kernel.messaging import inbox
from services.kernel.messaging.envelope import Event, from_json
from services.kernel.storage.mongo import database, ensure_collections
from tests.integration.gateway.conftest import Running
from tests.integration.gateway.test_dead_letters import Bench, bench, event_of
from tests.support.polling import eventually
from tests.support.service_process import ROOT
from tests.support.settings import environment_of

__all__ = ["bench"]

KILLS, EVENTS, SEED = 4, 80, 20260


class Handler(threading.Thread):
    """The consumer: every event once into a collection, by the inbox."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(daemon=True)
        self.bench = bench
        self.deliveries: Counter[str] = Counter()
        self.stop = threading.Event()
        ensure_collections([inbox.PositionDocument])
        database().drop_collection("effects_of_test")
        database().create_collection("effects_of_test")

    def run(self) -> None:
        with self.bench.connection() as connection:
            channel = connection.channel()

            def handle(raw: object) -> None:
                message: Message = channel.message_to_python(raw)
                self._handle(from_json(message.body))
                message.ack()

            channel.basic_consume(self.bench.queue, callback=handle)
            while not self.stop.is_set():
                with suppress(TimeoutError, ConsumerCancelled):  # cancelled when the queue goes at the end
                    connection.drain_events(timeout=0.2)

    def _handle(self, event: Event) -> None:
        self.deliveries[event.id] += 1
        effect = {"event": event.id}
        inbox.handle_once(self.bench.queue, event, lambda: _store(effect))


def _store(effect: dict[str, str]) -> None:
    database()["effects_of_test"].insert_one(dict(effect))


@pytest.mark.timeout(240)
def test_killed_at_random_nothing_is_lost_and_nothing_happens_twice(gateway: Running, bench: Bench) -> None:
    chance = random.Random(SEED)
    events = [event_of(f"workload/wl-{number}") for number in range(EVENTS)]
    handler = Handler(bench)
    handler.start()
    for number in range(KILLS):
        child, before = _start(bench), len(bench.rows())
        for event in events[number * EVENTS // KILLS : (number + 1) * EVENTS // KILLS]:
            bench.bury(event)
        eventually(partial(_has_more_rows, bench, before), timeout=30, interval=0.01)
        bench.letters.request_replays(bench.queue)
        child.wait_or_kill(chance.uniform(0, 0.3))
    child = _start(bench)
    eventually(lambda: len(bench.rows()) == EVENTS, timeout=60)
    bench.letters.request_replays(bench.queue)
    eventually(lambda: {row["state"] for row in bench.rows()} == {State.REPLAYED}, timeout=60)
    eventually(lambda: bench.waiting(bench.queue) + bench.waiting(bench.subscription.dead_queue) == 0, timeout=30)
    child.wait_or_kill(0)
    handler.stop.set()
    handler.join(20)
    happened = Counter(str(row["event"]) for row in database()["effects_of_test"].find())
    assert happened == Counter(event.id for event in events)


def _has_more_rows(bench: Bench, count: int) -> bool:
    return len(bench.rows()) > count


class Child:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def wait_or_kill(self, seconds: float) -> None:
        """SIGKILL after a while."""
        try:
            self._process.wait(seconds)
            pytest.fail("the collector ended by itself")
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _start(bench: Bench) -> Child:
    settings = bench.running.settings
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.gateway.dead_letter_process", bench.queue],
        cwd=ROOT,
        env={**os.environ, **environment_of(settings)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return Child(process)

"""Events leave the outbox after the commit, at least once, in order for each aggregate."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest
from google.protobuf.struct_pb2 import Struct

from services.kernel.messaging import outbox, relay, topology
from services.kernel.messaging.envelope import Event, from_json
from services.kernel.messaging.outbox import OutboxDocument
from services.kernel.messaging.relay import Feed, Relay, RelayThread
from services.kernel.storage import mongo
from services.kernel.storage.changes import ChangeFeed
from services.kernel.storage.transactions import in_transaction
from tests.fakes.feed import Sleeper
from tests.integration.kernel.messaging.conftest import ROOT, Bench
from tests.support.polling import eventually


@pytest.fixture(autouse=True)
def collections(bench: Bench) -> None:
    mongo.ensure_collections([OutboxDocument])


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChangeFeed]:
    """The real one, and a relay that waits for nothing else."""
    monkeypatch.setattr(relay, "WAKE_EVERY", 600.0)
    made = ChangeFeed(["outbox"], operations=["insert"]).start()
    yield made
    made.stop()


@contextmanager
def running(bench: Bench, feed: Feed | None = None) -> Iterator[RelayThread]:
    thread = RelayThread(Relay(bench.settings, bench.source, feed or Sleeper()))
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()
        assert not thread.alive


def append(aggregate_id: str = "1", sequence: int = 1) -> None:
    message = Struct()
    message.update({"number": sequence})
    outbox.append(
        event_type="thing.happened",
        aggregate_id=aggregate_id,
        sequence=sequence,
        message=message,
        project="default",
        actor="somebody",
    )


def unsent() -> int:
    return outbox.rows().count_documents({"sent": False})


def published(bench: Bench) -> list[Event]:
    """Take everything out of the event log."""
    return [from_json(message.body) for message in bench.take_all(topology.log_queue_name(bench.source))]


def in_order(events: list[Event]) -> bool:
    newest: dict[str, int] = {}
    seen: set[str] = set()
    for event in events:
        if event.id not in seen:
            seen.add(event.id)
            if event.sequence != newest.get(event.subject, 0) + 1:
                return False
            newest[event.subject] = event.sequence
    return True


def log_length(bench: Bench) -> int:
    held = bench.held(topology.log_queue_name(bench.source))
    return -1 if held is None else held.ready


def test_publishes_after_the_commit_only(bench: Bench) -> None:
    with running(bench):
        append("before")
        eventually(lambda: unsent() == 0)

        def work() -> None:
            append("inside")
            marker()  # another event goes all the way while this transaction is open
            assert log_length(bench) == 2

        def marker() -> None:
            thread = threading.Thread(target=append, args=("meanwhile",))
            thread.start()
            thread.join()
            eventually(lambda: log_length(bench) == 2)

        in_transaction(work)
        eventually(lambda: log_length(bench) == 3)
        subjects = [event.aggregate_id for event in published(bench)]
    assert subjects == ["before", "meanwhile", "inside"]


def test_rolled_back_event_is_never_published(bench: Bench) -> None:
    def work() -> None:
        append("undone")
        raise RuntimeError("undo")

    with running(bench):
        with pytest.raises(RuntimeError, match="undo"):
            in_transaction(work)
        append("done")
        eventually(lambda: log_length(bench) == 1)
        (event,) = published(bench)
    assert event.aggregate_id == "done"
    assert event.source == f"modelyard/{bench.source}"
    assert event.message(Struct)["number"] == 1


def test_the_feed_alone_misses_nothing(bench: Bench, feed: ChangeFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written before, while and after the relay looks, in batches that are full and not."""
    monkeypatch.setattr(relay, "BATCH", 7)

    def write(aggregate: int) -> None:
        for number in range(1, 41):
            in_transaction(partial(append, str(aggregate), number))

    for aggregate in range(3):
        append(f"before-{aggregate}")
    with running(bench, feed), ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
        eventually(lambda: unsent() == 0, 30)
        for number in range(41, 51):
            append("0", number)
            eventually(lambda: unsent() == 0)
    events = published(bench)
    assert in_order(events)
    assert len(events) == 3 + 3 * 40 + 10


def test_an_event_costs_one_look_into_the_outbox(
    bench: Bench, feed: ChangeFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def look(subject: str) -> list[outbox.OutboxRow]:
        looks.append(len(found := unsent_from(subject)))
        return found

    unsent_from = relay._unsent_from
    monkeypatch.setattr(relay, "_unsent_from", look)
    with running(bench, feed):
        append("first")
        eventually(lambda: unsent() == 0 and looks[-1:] == [0])  # those of the beginning are over
        for number in range(1, 6):
            append("next", number)
            eventually(lambda: unsent() == 0)
    assert looks[-5:] == [1] * 5


def test_killed_between_publication_and_mark(bench: Bench) -> None:
    for number in range(600):
        append(str(number % 20), number // 20 + 1)
    arguments = [sys.executable, "-m", f"{__package__}.relay_process", bench.source, "kill"]
    killed = subprocess.run(arguments, cwd=ROOT, env={**os.environ, **bench.environment}, timeout=60, check=False)
    assert killed.returncode == -9
    assert unsent() == 600
    with running(bench):
        eventually(lambda: unsent() == 0, 30)
    events = published(bench)
    assert len(events) > 600, "published again, with the same ids"
    assert len({event.id for event in events}) == 600
    assert in_order(events)


def test_event_log_queue_that_was_deleted_is_made_again(bench: Bench) -> None:
    with running(bench):
        append("first")
        eventually(lambda: unsent() == 0)
        with bench.connection() as connection:
            connection.default_channel.queue_delete(topology.log_queue_name(bench.source))
        append("second")
        eventually(lambda: unsent() == 0)
        eventually(lambda: log_length(bench) == 1)


def test_changed_arguments_of_the_log_queue_are_an_error(bench: Bench) -> None:
    with bench.connection() as connection:
        connection.default_channel.queue_declare(topology.log_queue_name(bench.source), durable=True, auto_delete=False)
    thread = RelayThread(Relay(bench.settings, bench.source, Sleeper()))
    thread.start()
    eventually(lambda: not thread.alive)
    assert isinstance(thread.error, topology.TopologyMismatch)

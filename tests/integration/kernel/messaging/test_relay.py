"""Events leave the outbox after the commit, at least once, in order for each aggregate."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from google.protobuf.struct_pb2 import Struct

from services.kernel.messaging import outbox, topology
from services.kernel.messaging.envelope import Event, from_json
from services.kernel.messaging.outbox import OutboxDocument
from services.kernel.messaging.relay import Relay, RelayThread
from services.kernel.storage import mongo
from tests.integration.kernel.messaging.conftest import ROOT, Bench
from tests.support.polling import eventually


class Sleeper:
    def wait(self, timeout: float) -> None:
        threading.Event().wait(min(timeout, 0.05))


@pytest.fixture(autouse=True)
def collections(bench: Bench) -> None:
    mongo.ensure_collections([OutboxDocument])


@contextmanager
def running(bench: Bench) -> Iterator[RelayThread]:
    thread = RelayThread(Relay(bench.settings, bench.source, Sleeper()))
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

        mongo.in_transaction(work)
        eventually(lambda: log_length(bench) == 3)
        subjects = [event.aggregate_id for event in published(bench)]
    assert subjects == ["before", "meanwhile", "inside"]


def test_rolled_back_event_is_never_published(bench: Bench) -> None:
    def work() -> None:
        append("undone")
        raise RuntimeError("undo")

    with running(bench):
        with pytest.raises(RuntimeError, match="undo"):
            mongo.in_transaction(work)
        append("done")
        eventually(lambda: log_length(bench) == 1)
        (event,) = published(bench)
    assert event.aggregate_id == "done"
    assert event.source == f"modelyard/{bench.source}"
    assert event.message(Struct)["number"] == 1


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

"""The way of an event through a consumer's queues."""

import pytest

from services.kernel.messaging.declaration import declare
from services.kernel.storage import mongo
from tests.integration.kernel.messaging.conftest import Bench, Child, make_event
from tests.support.polling import eventually


def started(bench: Bench, what: str) -> Child:
    child = bench.kernel(what)
    eventually(lambda: bench.consuming(bench.subscription.queue), 30)
    return child


def ready(bench: Bench, queue: str) -> int:
    held = bench.held(queue)
    assert held is not None
    return held.ready


def test_failing_handler_ends_in_dead_letters_with_the_reason(bench: Bench) -> None:
    child = started(bench, "fail")
    event = bench.publish(make_event())
    eventually(lambda: ready(bench, bench.subscription.dead_queue) == 1)
    (dead,) = bench.take_all(bench.subscription.dead_queue)
    assert dead.headers["x-modelyard-reason"] == "handler_failed"
    assert dead.headers["x-modelyard-error"] == "RuntimeError: as the test wants it"
    assert dead.headers["x-modelyard-attempts"] == 3
    assert dead.headers["x-modelyard-consumer"] == "kernel"
    assert [event_id for event_id, _ in child.notes("begin")] == [event.id] * 3


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b'{"specversion":"1.0"}'])
def test_malformed_message_is_dead_at_once(bench: Bench, body: bytes) -> None:
    child = started(bench, "ok")
    bench.publish(make_event(), body=body)
    following = bench.publish(make_event())
    eventually(lambda: ready(bench, bench.subscription.dead_queue) == 1)
    (dead,) = bench.take_all(bench.subscription.dead_queue)
    assert dead.headers["x-modelyard-reason"] == "malformed"
    assert dead.headers["x-modelyard-attempts"] == 1
    eventually(lambda: bench.effects() == [following.id])
    assert len(child.notes("begin")) == 1


def test_duplicates_and_outdated_events_have_no_effect(bench: Bench) -> None:
    started(bench, "ok")
    newer = bench.publish(make_event(sequence=2))
    bench.publish(newer)
    bench.publish(make_event(sequence=1))
    last = bench.publish(make_event(sequence=3))
    eventually(lambda: last.id in bench.effects())
    assert bench.effects() == [newer.id, last.id]


def test_what_does_not_concern_the_consumer_is_acknowledged_without_a_trace(bench: Bench) -> None:
    child = started(bench, "ok")
    foreign = [bench.publish(make_event(subject="thing/foreign", sequence=number)) for number in (1, 2)]
    own = bench.publish(make_event())
    eventually(lambda: bench.effects() == [own.id])
    eventually(lambda: ready(bench, bench.subscription.queue) == 0)
    positions = mongo.database()["inbox_positions"].distinct("_id")
    assert positions == [f"kernel:{own.source}:{own.subject}"]
    assert child.terminate() == 0
    assert ready(bench, bench.subscription.queue) == 0
    assert not any(event.id in child.log() for event in foreign)


def test_an_event_of_which_nobody_can_say_whom_it_concerns_is_a_dead_letter(bench: Bench) -> None:
    child = started(bench, "ok")
    bench.publish(make_event(subject="thing/unclear"))
    own = bench.publish(make_event())
    eventually(lambda: ready(bench, bench.subscription.dead_queue) == 1)
    (dead,) = bench.take_all(bench.subscription.dead_queue)
    assert dead.headers["x-modelyard-error"] == "RuntimeError: whose is it?"
    assert dead.headers["x-modelyard-attempts"] == 3
    assert bench.effects() == [own.id]
    assert child.alive()


def test_order_of_each_aggregate_is_kept(bench: Bench) -> None:
    with bench.connection() as connection:
        declare(connection, [bench.subscription.topology()])
    events = [make_event(subject=f"thing/{number % 3}", sequence=number // 3 + 1) for number in range(45)]
    for event in events:
        bench.publish(event)
    started(bench, "ok")
    # An event overtaken by its successor would count as outdated and be missing.
    eventually(lambda: len(bench.effects()) == len(events), 30)
    order = bench.effects()
    for subject in {event.subject for event in events}:
        wanted = [event.id for event in events if event.subject == subject]
        assert [event_id for event_id in order if event_id in wanted] == wanted


@pytest.mark.long  # the database undoes the transaction of a dead process after a minute
def test_event_of_a_process_that_is_killed_comes_again(bench: Bench) -> None:
    child = started(bench, "wait")
    event = bench.publish(make_event())
    eventually(lambda: child.notes("begin"))
    child.process.kill()
    child.process.wait()
    (bench.folder / "release").touch()
    # The server undoes the dead process's transaction, then the second one may write.
    started(bench, "wait")
    eventually(lambda: bench.effects() == [event.id], 90)


def test_process_has_neither_grpc_nor_torch(bench: Bench) -> None:
    child = started(bench, "ok")
    assert child.terminate() == 0
    modules = set((bench.folder / "modules").read_text().splitlines())
    assert "nameko" in modules
    assert not modules & {"grpc", "torch", "tritonclient", "aio_pika"}

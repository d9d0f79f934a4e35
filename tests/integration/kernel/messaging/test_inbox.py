"""Once for each event, in the transaction of the effect."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest

from services.kernel.messaging.envelope import Event
from services.kernel.messaging.inbox import PositionDocument, handle_once
from services.kernel.storage import mongo
from services.kernel.storage.monitoring import COMMANDS
from services.kernel.storage.transactions import in_transaction
from tests.integration.kernel.messaging.conftest import Bench, make_event


@pytest.fixture(autouse=True)
def collections(bench: Bench) -> None:
    mongo.ensure_collections([PositionDocument])


def effect_of(event: Event) -> Callable[[], None]:
    def effect() -> None:
        mongo.database()["effects"].insert_one({"event": event.id})

    return effect


def handle(event: Event, consumer: str = "one") -> bool:
    return handle_once(consumer, event, effect_of(event))


def fail() -> None:
    raise RuntimeError("dead")


def test_duplicate_is_skipped(bench: Bench) -> None:
    event = make_event()
    assert [handle(event), handle(event)] == [True, False]
    assert bench.effects() == [event.id]


def test_each_consumer_has_its_own_inbox(bench: Bench) -> None:
    event = make_event()
    assert handle(event, "one")
    assert handle(event, "two")


def test_older_sequence_is_ignored(bench: Bench) -> None:
    newer, older, other = make_event(sequence=2), make_event(sequence=1), make_event(subject="thing/2")
    assert [handle(newer), handle(older), handle(other)] == [True, False, True]
    assert bench.effects() == [newer.id, other.id]


def test_events_that_are_published_again_have_no_second_effect(bench: Bench) -> None:
    """After a restore all of the outbox comes again, those included that were handled long before."""
    events = [make_event(sequence=number) for number in (1, 2, 5)]
    assert all(map(handle, events))
    assert not any(map(handle, events))
    assert bench.effects() == [event.id for event in events]


def test_a_replayed_event_is_handled_once_and_not_after_a_newer_one(bench: Bench) -> None:
    replayed, overtaken, newer = (make_event(subject=f"thing/{of}", sequence=at) for of, at in ((1, 3), (2, 3), (2, 4)))
    for dead in (replayed, overtaken):
        with pytest.raises(RuntimeError, match="dead"):
            handle_once("one", dead, fail)
    assert handle(newer)
    assert [handle(dead) for dead in (replayed, overtaken, replayed)] == [True, False, False]
    assert bench.effects() == [newer.id, replayed.id]


def test_failed_effect_leaves_nothing_and_may_be_repeated(bench: Bench) -> None:
    event = make_event()

    def half() -> None:
        effect_of(event)()
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        handle_once("one", event, half)
    assert bench.effects() == []
    assert handle(event)
    assert bench.effects() == [event.id]


def test_nested_call_for_the_same_event_runs_the_effect(bench: Bench) -> None:
    event = make_event()

    def nested() -> None:
        assert handle(event)

    assert handle_once("one", event, nested)
    assert bench.effects() == [event.id]


def test_concurrent_duplicates_have_one_effect(bench: Bench) -> None:
    event = make_event()
    ran: list[bool] = []
    threads = [threading.Thread(target=lambda: ran.append(handle(event))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(ran) == [False] * 5 + [True]
    assert bench.effects() == [event.id]


def test_two_first_events_of_an_aggregate_at_once_take_turns(bench: Bench) -> None:
    """Both insert the position. mongod answers with a write conflict, which is repeated, never with a duplicate key."""
    first, second = make_event(sequence=1), make_event(sequence=2)
    attempts: list[int] = []
    refused = threading.Event()

    def other() -> None:
        def work() -> None:
            attempts.append(1)
            if len(attempts) > 1:
                refused.set()
            handle(second)

        in_transaction(work)

    def hold() -> None:
        thread.start()
        assert refused.wait(30)
        effect_of(first)()

    thread = threading.Thread(target=other)
    assert handle_once("one", first, hold)
    thread.join(30)
    assert bench.effects() == [first.id, second.id]


def test_a_position_that_was_made_after_the_transaction_began_is_seen_by_its_repetition(bench: Bench) -> None:
    event = make_event()
    attempts: list[list[str]] = []

    def late() -> bool:
        attempts.append(bench.effects())  # the transaction's snapshot is of before
        if len(attempts) == 1:
            thread = threading.Thread(target=handle, args=(event,))
            thread.start()
            thread.join(30)
        return handle(event)

    assert in_transaction(late) is False
    assert attempts == [[], [event.id]]
    assert bench.effects() == [event.id]


def commands() -> Counter[str]:
    """How many of each this process has sent to mongod."""
    sent: Counter[str] = Counter()
    for sample in (sample for metric in COMMANDS.collect() for sample in metric.samples):
        if sample.name.endswith("_count"):
            sent[sample.labels["command"]] += int(sample.value)
    return sent


def test_the_inbox_costs_one_command(bench: Bench) -> None:
    event, before = make_event(), commands()
    handle(event)
    assert commands() - before == {"findAndModify": 1, "insert": 1, "commitTransaction": 1}

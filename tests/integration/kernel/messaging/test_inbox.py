"""Once for each event, in the transaction of the effect."""

import threading
from collections.abc import Callable

import pytest

from services.kernel.messaging.envelope import Event
from services.kernel.messaging.inbox import InboxDocument, PositionDocument, handle_once
from services.kernel.storage import mongo
from tests.integration.kernel.messaging.conftest import Bench, make_event


@pytest.fixture(autouse=True)
def collections(bench: Bench) -> None:
    mongo.ensure_collections([InboxDocument, PositionDocument])


def effect_of(event: Event) -> Callable[[], None]:
    def effect() -> None:
        mongo.database()["effects"].insert_one({"event": event.id})

    return effect


def handle(event: Event, consumer: str = "one") -> bool:
    return handle_once(consumer, event, effect_of(event))


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

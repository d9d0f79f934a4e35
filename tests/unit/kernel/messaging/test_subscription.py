from datetime import UTC, datetime
from typing import cast

import pytest
from kombu.message import Message

from services.kernel.messaging import inbox
from services.kernel.messaging.consumer import Delivery, EventConsumer
from services.kernel.messaging.envelope import Event
from services.kernel.messaging.subscription import EventEntrypoint, subscribe, subscriptions_of
from services.kernel.messaging.topology import RETRY_DELAYS


class Consumer:
    name = "trainer-events"

    @subscribe("scheduler", "workload.placed", "workload.exited")
    def on_workload(self, event: Event) -> None: ...

    @subscribe("scheduler", "node.lost")
    def on_node(self, event: Event) -> None: ...

    @subscribe("dataset", "dataset.onlined")
    def on_dataset(self, event: Event) -> None: ...


def test_one_queue_for_each_source() -> None:
    dataset, scheduler = subscriptions_of(Consumer)
    assert dataset.queue == "trainer-events.dataset.v1"
    assert scheduler.types == ("node.lost", "workload.exited", "workload.placed")
    assert scheduler.retry_delays == RETRY_DELAYS


def test_class_may_set_version_and_delays() -> None:
    class Newer(Consumer):
        queue_version = 2
        retry_delays = (0.1,)

    assert [one.queue for one in subscriptions_of(Newer)] == [
        "trainer-events.dataset.v2",
        "trainer-events.scheduler.v2",
    ]
    assert subscriptions_of(Newer)[0].retry_delays == (0.1,)


def test_two_methods_cannot_want_the_same_event() -> None:
    class Twice(Consumer):
        @subscribe("scheduler", "node.lost")
        def again(self, event: Event) -> None: ...

    with pytest.raises(ValueError, match="wanted by two methods"):
        subscriptions_of(Twice)


class Answers:
    """The queue consumer and the container of an entrypoint: what became of the delivery."""

    service_name = "trainer-events"

    def __init__(self) -> None:
        self.told: list[str] = []

    def ack_message(self, _message: object) -> None:
        self.told.append("ack")

    def failed(self, _delivery: Delivery, error: BaseException) -> None:
        self.told.append(str(error))

    def finished(self, _delivery: Delivery) -> None:
        self.told.append("finished")

    def spawn_worker(self, *_: object, **__: object) -> None:
        self.told.append("worker")


def concerns(event: Event) -> bool:
    if event.sequence == 3:
        raise RuntimeError("unclear")
    return event.sequence == 1


@pytest.mark.parametrize(
    ("sequence", "told", "ignored"),
    [(1, ["worker"], 0), (2, ["ack", "finished"], 1), (3, ["unclear", "finished"], 0)],
)
def test_an_event_that_does_not_concern_the_method_is_only_acknowledged(
    sequence: int, told: list[str], ignored: int
) -> None:
    entrypoint, answers = EventEntrypoint("scheduler", ("thing.happened",), concerns), Answers()
    entrypoint.container, entrypoint.queue_consumer = answers, cast(EventConsumer, answers)
    event = Event(
        id="ev-1", source="x", type="thing.happened", subject="thing/1", time=datetime.now(UTC), sequence=sequence
    )
    counted = inbox.HANDLED.labels("trainer-events", "thing.happened", "ignored")
    before = counted._value.get()
    entrypoint.run(Delivery(subscriptions_of(Consumer)[0], cast(Message, None), event, entrypoint))
    assert answers.told == told
    assert counted._value.get() - before == ignored

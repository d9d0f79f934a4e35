import pytest

from services.kernel.messaging.envelope import Event
from services.kernel.messaging.subscription import subscribe, subscriptions_of
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

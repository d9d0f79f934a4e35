import pytest

from services.kernel.messaging.topology import Subscription, log_topology


def subscription(*delays: float) -> Subscription:
    return Subscription("trainer-events", "scheduler", ("workload.placed",), retry_delays=delays or (1.0, 5.0))


def test_names() -> None:
    one = subscription()
    assert one.queue == "trainer-events.scheduler.v1"
    assert one.dead_queue == "trainer-events.scheduler.v1.dead"
    assert [one.retry_queue(attempt) for attempt in (1, 2, 3)] == [
        "trainer-events.scheduler.v1.retry.1000ms",
        "trainer-events.scheduler.v1.retry.5000ms",
        None,
    ]


def test_every_queue_is_a_quorum_queue() -> None:
    for queue in (*subscription().topology().queues, *log_topology("scheduler").queues):
        assert queue.all_arguments["x-queue-type"] == "quorum"


def test_dead_letters_leave_at_least_once() -> None:
    # RabbitMQ falls back to at-most-once without a word when the overflow is not reject-publish.
    for queue in (*subscription().topology().queues, *log_topology("scheduler").queues):
        if "x-dead-letter-exchange" in queue.arguments:
            assert queue.arguments["x-dead-letter-strategy"] == "at-least-once"
            assert queue.arguments["x-overflow"] == "reject-publish"


def test_consumer_queue_is_bound_to_its_types_and_limited() -> None:
    (main,) = [queue for queue in subscription().topology().queues if queue.routing_keys]
    assert (main.exchange, main.routing_keys) == ("scheduler.events", ("workload.placed",))
    assert main.arguments["x-delivery-limit"] == 20
    assert main.arguments["x-dead-letter-routing-key"] == "trainer-events.scheduler.v1.dead"


def test_log_is_bound_to_everything_and_declared_last() -> None:
    # Its dead-letter queue has to exist before the first dead letter.
    dead, log = log_topology("scheduler").queues
    assert (log.name, log.routing_keys) == ("scheduler.events.log", ("#",))
    assert dead.name == "scheduler.events.log.dead"


@pytest.mark.parametrize("delays", [(0.25,), (1.0, 1.0, 2.0)])
def test_equal_delays_share_a_queue(delays: tuple[float, ...]) -> None:
    names = [queue.name for queue in subscription(*delays).topology().queues]
    assert len(names) == len(set(names)) == 2 + len(set(delays))

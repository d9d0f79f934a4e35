"""Each defect of nameko 2.14.1 on a real broker: plain nameko shows it, the kernel's subclasses do not."""

import re

import pytest

from services.kernel.messaging.subscription import EXIT_CONFIGURATION
from tests.integration.kernel.messaging.conftest import Bench, Child, make_event
from tests.support.polling import eventually


def started_plain(bench: Bench, what: str, *, requeue: bool = False, heartbeat: int = 60) -> Child:
    child = bench.plain(what, requeue=requeue, heartbeat=heartbeat)
    eventually(lambda: bench.consuming(bench.plain_queue), 30)
    return child


def started_kernel(bench: Bench, what: str, *, heartbeat: int = 60, delays: str = "0.3,0.3") -> Child:
    child = bench.kernel(what, heartbeat=heartbeat, delays=delays)
    eventually(lambda: bench.consuming(bench.subscription.queue), 30)
    return child


def ready(bench: Bench, queue: str) -> int:
    held = bench.held(queue)
    assert held is not None
    return held.ready


class TestRaiseInHandler:
    def test_plain_loses_the_event(self, bench: Bench) -> None:
        child = started_plain(bench, "fail")
        bench.publish(make_event())
        eventually(lambda: child.notes("begin"))
        child.terminate()
        assert ready(bench, bench.plain_queue) == 0
        assert len(child.notes("begin")) == 1

    def test_kernel_keeps_it(self, bench: Bench) -> None:
        child = started_kernel(bench, "fail", delays="0.3")
        event = bench.publish(make_event())
        eventually(lambda: ready(bench, bench.subscription.dead_queue) == 1)
        assert [event_id for event_id, _ in child.notes("begin")] == [event.id] * 2
        assert child.terminate() == 0


class TestRequeueOnError:
    def test_plain_loops_hot(self, bench: Bench) -> None:
        child = started_plain(bench, "fail", requeue=True)
        bench.publish(make_event())
        eventually(lambda: len(child.notes("begin")) >= 100, 30)
        begun = child.notes("begin")
        assert begun[99][1] - begun[0][1] < 20, "a hundred attempts, one after the other"

    def test_kernel_backs_off_and_ends(self, bench: Bench) -> None:
        child = started_kernel(bench, "fail", delays="0.3,0.5")
        bench.publish(make_event())
        eventually(lambda: ready(bench, bench.subscription.dead_queue) == 1)
        begun = [at for _, at in child.notes("begin")]
        assert len(begun) == 3
        assert begun[1] - begun[0] >= 0.3
        assert begun[2] - begun[1] >= 0.5
        assert bench.effects() == []


class TestSigtermWhileHandlerRuns:
    def test_plain_drops_the_ack(self, bench: Bench) -> None:
        child = started_plain(bench, "wait")
        bench.publish(make_event())
        eventually(lambda: child.notes("begin"))
        child.process.terminate()
        eventually(lambda: ready(bench, bench.plain_queue) == 1)
        (bench.folder / "release").touch()
        child.process.wait(30)
        assert len(child.notes("end")) == 1
        assert ready(bench, bench.plain_queue) == 1, "handled, and to be handled again"

    def test_kernel_waits_for_it(self, bench: Bench) -> None:
        child = started_kernel(bench, "wait")
        event = bench.publish(make_event())
        eventually(lambda: child.notes("begin"))
        child.process.terminate()
        eventually(lambda: "taking no more events" in child.log())
        unhandled = bench.publish(make_event(subject="thing/2"))
        assert child.alive()
        (bench.folder / "release").touch()
        assert child.process.wait(30) == 0
        assert bench.effects() == [event.id]
        left = bench.take_all(bench.subscription.queue)
        assert [message.properties["message_id"] for message in left] == [unhandled.id]


class TestAckOnClosedConnection:
    def test_plain_dies(self, bench: Bench) -> None:
        child = started_plain(bench, "cut")
        bench.publish(make_event())
        assert child.process.wait(30) != 0
        assert re.search("BrokenPipeError|ConnectionResetError", child.log())

    def test_kernel_goes_on(self, bench: Bench) -> None:
        child = started_kernel(bench, "cut")
        first = bench.publish(make_event())
        eventually(lambda: bench.effects() == [first.id])
        eventually(lambda: "broker connection lost" in child.log())
        second = bench.publish(make_event(sequence=2))
        eventually(lambda: bench.effects() == [first.id, second.id])
        assert child.terminate() == 0
        assert ready(bench, bench.subscription.queue) == 0


class TestWorkLongerThanTwoHeartbeats:
    def test_plain_repeats_it_for_ever(self, bench: Bench) -> None:
        child = started_plain(bench, "compute", heartbeat=2)
        event = bench.publish(make_event())
        eventually(lambda: len(child.notes("begin")) >= 3 or not child.alive(), 60)
        handled_once = [event_id for event_id, _ in child.notes("begin")] == [event.id] and child.alive()
        assert not handled_once

    def test_kernel_does_it_once(self, bench: Bench) -> None:
        child = started_kernel(bench, "compute", heartbeat=2)
        event = bench.publish(make_event())
        eventually(lambda: bench.effects() == [event.id], 30)
        assert child.terminate() == 0
        assert len(child.notes("begin")) == 1
        assert "broker connection lost" not in child.log()
        assert ready(bench, bench.subscription.queue) == 0


class TestChangedQueueArguments:
    @pytest.fixture(autouse=True)
    def older_queues(self, bench: Bench) -> None:
        with bench.connection() as connection:
            for queue in (bench.plain_queue, bench.subscription.queue):
                arguments = {"x-max-length": 7}
                connection.channel().queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)

    def test_plain_leaves_a_zombie(self, bench: Bench) -> None:
        # nameko declares the queue with its own arguments, the older release had a maximum length.
        child = bench.plain("ok")
        eventually(lambda: child.log().count("PRECONDITION_FAILED") >= 3, 30)
        assert child.alive()
        assert not bench.consuming(bench.plain_queue)

    def test_kernel_ends_with_a_clear_error(self, bench: Bench) -> None:
        child = bench.kernel("ok")
        assert child.process.wait(30) == EXIT_CONFIGURATION
        assert f"queue {bench.subscription.queue} exists with other arguments" in child.log()

"""What people see of the queues."""

from datetime import timedelta

import pytest

from services.kernel.values import Resources
from services.scheduler.domain import Node, Queue, Workload, WorkloadState
from services.scheduler.explanation import Explanation
from services.scheduler.handlers import queues
from services.scheduler.handlers.queues import Shortage, Standing, Total
from tests.unit.scheduler.fakes import FakeRepository
from tests.unit.scheduler.test_cluster import GIB, START, node, workload

NODES = [node("a", Resources(4000, 8 * GIB)), node("b", Resources(2000, 8 * GIB))]


def standings(**totals: Total) -> dict[str, Standing]:
    found = queues.standings([Queue(id="heavy", weight=2.0), Queue(id="idle")], totals, NODES)
    return {standing.id: standing for standing in found}


def test_shares_are_dominant_and_weighted() -> None:
    found = standings(
        heavy=Total(used=Resources(3000, 4 * GIB), running=3), light=Total(used=Resources(600, 4 * GIB), running=1)
    )
    assert list(found) == ["default", "heavy", "idle", "light"]
    assert found["heavy"].share == 0.25, "half of the cores, at twice the weight"
    assert found["light"].share == 0.25, "a quarter of the memory"
    assert found["idle"].share == 0


def test_without_nodes_nobody_has_a_share() -> None:
    found = {standing.id: standing for standing in queues.standings([], {"p": Total(waiting=1)}, [])}
    assert (found["p"].share, found["p"].waiting) == (0, 1)


def explained(one: Workload, *, nodes: list[Node], taken: Resources | None = None, before: int = 0) -> queues.Explained:
    everywhere = [("q", node.id, taken) for node in nodes] if taken else []
    totals = {"p": Total(waiting=before + 1), "q": Total(used=taken or Resources(), waiting=1)}
    all_ = queues.standings([], totals, nodes)
    return queues.explain(one, before, all_, Explanation(nodes, [], everywhere, ()))


def test_what_waits_is_explained_with_figures() -> None:
    told = explained(workload("w", Resources(3000, GIB)), nodes=NODES, taken=Resources(1500, GIB), before=2)
    assert (told.queue, told.position, told.waiting) == ("p", 3, 3)
    assert told.shortages == (Shortage("cpu_millis", 3000, 2500, 1, 1),), "the small node could never hold it"
    assert told.reason == "It waits for 3 cores: 1.5 cores of 4 cores are in use."
    assert told.queues_before == 0


def test_queues_of_a_smaller_share_come_first() -> None:
    all_ = queues.standings([], {"p": Total(used=Resources(2000)), "q": Total(waiting=1), "r": Total()}, NODES)
    told = queues.explain(workload("w", Resources(3000)), 0, all_, Explanation(NODES, [], [], ()))
    assert told.queues_before == 1


def test_a_time_that_is_expected_is_told() -> None:
    one = workload("w", Resources(1000))
    one.waiting_reason, one.expected_start_at = "It is next.", START + timedelta(hours=1)
    told = explained(one, nodes=NODES)
    assert (told.reason, told.expected_start_at) == ("It is next.", START + timedelta(hours=1))


def test_of_what_does_not_wait_only_its_state_is_told() -> None:
    one = workload("w", Resources(1000))
    one.place("a", 1)
    assert explained(one, nodes=NODES) == queues.Explained("w", WorkloadState.PLACED, "")


@pytest.mark.parametrize("known", [True, False])
def test_a_queue_can_be_set_before_anything_ran_in_it(known: bool) -> None:
    stored: FakeRepository[Queue] = FakeRepository()
    if known:
        stored.add(Queue(id="p"))

    def change(queue: Queue) -> None:
        queue.weight = 3.0

    queues.update(stored, "p", change)
    assert stored.get("p").weight == 3.0

"""Who gets how much: published examples, weights, quotas, guarantees, patience."""

from collections import Counter
from collections.abc import Mapping

from services.scheduler.core.allocator import MODELYARD, Allocator
from services.scheduler.core.simulation import Arrival, simulate
from services.scheduler.core.specs import Job, NodeSpec, QueueSpec, Shape

CARD = Shape((1, 0), cards=1)


def shares_of(
    amounts: tuple[int, int], queues: list[QueueSpec], wishes: Mapping[str, tuple[int, int]], count: int = 30
) -> dict[str, int]:
    """How many workers each queue gets of one divisible node, when each wants more than there is."""
    allocator = Allocator([NodeSpec("node", amounts)], queues)
    for queue, needs in wishes.items():
        for at in range(count):
            allocator.submit(Job(f"{queue}/{at}", queue, Shape(needs), 0.0, 1.0))
    return Counter(placed.job.partition("/")[0] for placed in allocator.round(0.0))


def test_two_tenants_of_the_paper_get_three_and_two() -> None:
    """⟨9 CPU, 18 GB⟩ with tasks A ⟨1, 4⟩ and B ⟨3, 1⟩: both at a dominant share of 2/3 (Ghodsi et al., 2011)."""
    found = shares_of((9, 18), [QueueSpec("a"), QueueSpec("b")], {"a": (1, 4), "b": (3, 1)})
    assert found == {"a": 3, "b": 2}


def test_complementary_siblings_do_not_starve() -> None:
    """The case of H-DRF: naive sums would count the parent as full once one of its children is."""
    queues = [QueueSpec("pg1"), QueueSpec("pg2"), QueueSpec("pg21", "pg2"), QueueSpec("pg22", "pg2")]
    found = shares_of((10, 10), queues, {"pg1": (1, 1), "pg21": (1, 0), "pg22": (0, 1)})
    assert found == {"pg1": 5, "pg21": 5, "pg22": 5}


def test_weights_divide_in_their_proportion() -> None:
    found = shares_of((12, 12), [QueueSpec("a"), QueueSpec("b", weight=3.0)], {"a": (1, 1), "b": (1, 1)})
    assert found == {"a": 3, "b": 9}


def test_a_quota_is_never_passed_however_much_is_free() -> None:
    queues = [QueueSpec("a"), QueueSpec("b", quota=(4, 10, 0, 0)), QueueSpec("b1", "b"), QueueSpec("b2", "b")]
    found = shares_of((100, 100), queues, {"a": (1, 1), "b1": (1, 1), "b2": (1, 1)})
    assert (found["a"], found["b1"] + found["b2"]) == (30, 4)


def test_a_guarantee_comes_before_shares() -> None:
    queues = [QueueSpec("a", weight=100.0), QueueSpec("b", guarantee=(6, 0, 0, 0))]
    assert shares_of((10, 10), queues, {"a": (1, 1), "b": (1, 1)}) == {"a": 4, "b": 6}


def test_a_gang_has_all_or_nothing_and_grows_into_what_nobody_wants() -> None:
    allocator = Allocator([NodeSpec(f"node-{at}", (8, 8), cards=4) for at in range(3)], [QueueSpec("a")])
    allocator.submit(Job("first", "a", CARD, 0.0, 1.0, workers=(5, 8)))
    allocator.submit(Job("second", "a", CARD, 1.0, 1.0, workers=(8, 8)))
    (only,) = allocator.round(0.0)
    assert only.job == "first"
    assert len(only.workers) == 8
    allocator.finish("first")
    assert [placed.job for placed in allocator.round(1.0)] == ["second"]


def test_a_gang_keeps_within_a_domain_of_the_network() -> None:
    nodes = [NodeSpec(f"node-{at}", (8, 8), cards=4, domain="xyyx"[at]) for at in range(4)]
    allocator = Allocator(nodes, [QueueSpec("a")])
    allocator.submit(Job("small", "a", Shape((1, 0), 4), 0.0, 100.0))
    allocator.submit(Job("large", "a", CARD, 1.0, 1.0, workers=(8, 8)))
    placed = {made.job: {node for node, _ in made.workers} for made in allocator.round(1.0)}
    assert placed == {"small": {"node-0"}, "large": {"node-1", "node-2"}}


def test_small_jobs_that_keep_coming_do_not_starve_a_gang_of_the_whole_pool() -> None:
    """It waits for its patience and then for what runs, which nobody replaces who would end too late."""
    nodes = [NodeSpec(f"node-{at}", (8, 8), cards=4) for at in range(4)]
    queues = [QueueSpec("large"), *(QueueSpec(f"small-{at}") for at in range(4))]
    gang = Arrival(Job("gang", "large", Shape((1, 0), 4), 100.0, 50.0, workers=(4, 4)), 50.0)
    small = [Arrival(Job(f"{at:04}", f"small-{at % 4}", CARD, float(at), 30.0), 30.0) for at in range(1000)]
    policy = MODELYARD._replace(patience_s=60.0)
    started = simulate(Allocator(nodes, queues, policy), [gang, *small]).started
    assert started["gang"] <= 100.0 + 60.0 + 30.0
    assert len(started) == 1001
    greedy = simulate(Allocator(nodes, queues, MODELYARD._replace(patience_s=1e9)), [gang, *small]).started
    assert greedy["gang"] > 900.0


def test_a_reservation_never_moves_later_and_nothing_short_waits_for_it() -> None:
    nodes = [NodeSpec(f"node-{at}", (8, 8), cards=4) for at in range(2)]
    allocator = Allocator(nodes, [QueueSpec("a"), QueueSpec("b")], MODELYARD._replace(patience_s=10.0))
    allocator.submit(Job("running", "a", Shape((1, 0), 4), 0.0, 100.0))
    allocator.submit(Job("gang", "a", Shape((1, 0), 4), 1.0, 50.0, workers=(2, 2)))
    assert [placed.job for placed in allocator.round(1.0)] == ["running"]
    assert allocator.reserved() == []
    allocator.submit(Job("passing", "b", CARD, 2.0, 1.0))
    assert [placed.job for placed in allocator.round(2.0)] == ["passing"]
    allocator.finish("passing")
    allocator.round(11.0)
    (held,) = allocator.reserved()
    assert (held.job, held.start, held.nodes) == ("gang", 101.0, ("node-0", "node-1"))
    allocator.submit(Job("long", "b", CARD, 12.0, 200.0))
    allocator.submit(Job("short", "b", CARD, 13.0, 80.0))
    assert [placed.job for placed in allocator.round(14.0)] == ["short"]
    assert allocator.reserved() == [held]
    allocator.finish("short")
    allocator.finish("running")
    assert [placed.job for placed in allocator.round(95.0)] == ["gang"]
    assert allocator.reserved() == []

"""Properties of a placement round."""

import random

from hypothesis import given
from hypothesis import strategies as st

from services.kernel.values import Resources
from services.scheduler.allocation import NodeView, Placement, Request, Round, allocate, dominant_share

GIB = 1 << 30

amounts = st.builds(
    Resources,
    cpu_millis=st.integers(1, 4000),
    memory_bytes=st.integers(0, 8) | st.just(0),
    gpu_millis=st.sampled_from([0, 0, 500, 1000]),
    gpu_memory_bytes=st.integers(0, 4),
)
capacities = st.builds(
    Resources,
    cpu_millis=st.integers(0, 16000),
    memory_bytes=st.integers(0, 32),
    gpu_millis=st.sampled_from([0, 1000, 4000]),
    gpu_memory_bytes=st.integers(0, 16),
)
engines = st.sampled_from(["process", "process", "triton"])


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[NodeView], list[Request], dict[str, Resources]]:
    nodes = [NodeView(f"node-{at}", draw(engines), draw(capacities)) for at in range(draw(st.integers(0, 4)))]
    pending = [
        Request(f"wl-{at:03}", draw(st.sampled_from("abc")), draw(engines), draw(amounts))
        for at in range(draw(st.integers(0, 25)))
    ]
    usage = draw(st.dictionaries(st.sampled_from("abc"), amounts, max_size=3))
    return nodes, pending, usage


def free_after(nodes: list[NodeView], pending: list[Request], made: list[Placement]) -> dict[str, Resources]:
    needs = {request.id: request.needs for request in pending}
    free = {node.id: node.free for node in nodes}
    for placement in made:
        free[placement.node_id] -= needs[placement.request_id]
    return free


def test_two_tenants_of_the_paper_get_three_and_two() -> None:
    """⟨9 CPU, 18 GB⟩ with tasks A ⟨1, 4⟩ and B ⟨3, 1⟩: both at a dominant share of 2/3 (Ghodsi et al., 2011)."""
    node = NodeView("node", "process", Resources(9000, 18 * GIB))
    pending = [Request(f"a{at}", "a", "process", Resources(1000, 4 * GIB)) for at in range(10)]
    pending += [Request(f"b{at}", "b", "process", Resources(3000, 1 * GIB)) for at in range(10)]
    placed = [placement.request_id[0] for placement in allocate([node], pending, {}).placements]
    assert (placed.count("a"), placed.count("b")) == (3, 2)


@given(situations())
def test_no_node_is_given_out_beyond_its_capacity(
    situation: tuple[list[NodeView], list[Request], dict[str, Resources]],
) -> None:
    nodes, pending, usage = situation
    made = allocate(nodes, pending, usage)
    assert all(min(left.amounts()) >= 0 for left in free_after(nodes, pending, made.placements).values())
    engine_of = {node.id: node.engine for node in nodes}
    wanted = {request.id: request.engine for request in pending}
    assert all(engine_of[item.node_id] == wanted[item.request_id] for item in made.placements)


@given(situations())
def test_each_is_placed_once_or_waits_with_a_reason(
    situation: tuple[list[NodeView], list[Request], dict[str, Resources]],
) -> None:
    nodes, pending, usage = situation
    made = allocate(nodes, pending, usage)
    told = [item.request_id for item in made.placements] + [item.request_id for item in made.waiting]
    assert sorted(told) == [request.id for request in pending]
    assert all(item.reason for item in made.waiting)


@given(situations())
def test_nothing_that_waits_would_have_fitted(
    situation: tuple[list[NodeView], list[Request], dict[str, Resources]],
) -> None:
    nodes, pending, usage = situation
    made = allocate(nodes, pending, usage)
    free = free_after(nodes, pending, made.placements)
    requests = {request.id: request for request in pending}
    for item in made.waiting:
        request = requests[item.request_id]
        assert not any(request.needs.fits_into(free[node.id]) for node in nodes if node.engine == request.engine)


@given(situations())
def test_the_least_dominant_share_comes_first(
    situation: tuple[list[NodeView], list[Request], dict[str, Resources]],
) -> None:
    """At each placement, no queue with a smaller share has a request that fits and is not placed before."""
    nodes, pending, usage = situation
    made = allocate(nodes, pending, usage)
    capacity = sum((node.capacity for node in nodes), Resources())
    requests = {request.id: request for request in pending}
    free, used, waiting = {node.id: node.free for node in nodes}, dict(usage), dict(requests)
    for placement in made.placements:
        chosen = requests[placement.request_id]
        share = dominant_share(used.get(chosen.queue, Resources()), capacity)
        for other in waiting.values():
            fits = any(other.needs.fits_into(free[node.id]) for node in nodes if node.engine == other.engine)
            if fits and other.queue != chosen.queue:
                assert share <= dominant_share(used.get(other.queue, Resources()), capacity)
        del waiting[chosen.id]
        free[placement.node_id] -= chosen.needs
        used[chosen.queue] = used.get(chosen.queue, Resources()) + chosen.needs


@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_listing_does_not_matter(
    situation: tuple[list[NodeView], list[Request], dict[str, Resources]], shuffler: random.Random
) -> None:
    nodes, pending, usage = situation
    first = allocate(nodes, pending, usage)
    shuffler.shuffle(nodes)
    shuffler.shuffle(pending)
    assert allocate(nodes, pending, usage) == first


def reason(node: NodeView | None, needs: Resources) -> str:
    made: Round = allocate([node] if node else [], [Request("wl", "a", "process", needs)], {})
    return made.waiting[0].reason


def test_reasons_say_what_is_missing() -> None:
    two_cores = NodeView("node", "process", Resources(2000, 4 * GIB), Resources(2000, GIB))
    assert reason(None, Resources(1000)) == "It waits for a node: none of the engine process is there."
    assert reason(two_cores, Resources(4000)) == "It needs 4 cores; the largest node has 2 cores."
    assert reason(two_cores, Resources(1000)) == "It waits for 1 core: 2 cores of 2 cores are in use."
    assert reason(two_cores, Resources(0, 8 * GIB)) == (
        "It needs 8.0 GiB of memory; the largest node has 4.0 GiB of memory."
    )

"""The invariants of the allocation, on whatever Hypothesis thinks of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.core.allocator import MODELYARD, Allocator
from services.scheduler.core.rounds import Policy
from services.scheduler.core.scoring import BEST_FIT, DOT_PRODUCT, FIRST_FIT, FRAGMENTATION
from services.scheduler.core.specs import Job, NodeSpec, Placed, QueueSpec, Shape
from tests.unit.scheduler.core.ledger import Ledger

GREEDY = MODELYARD._replace(patience_s=1e9)
RULES = [FIRST_FIT, BEST_FIT, DOT_PRODUCT, FRAGMENTATION, MODELYARD.rule]

labels = st.sampled_from([frozenset(), frozenset({("zone", "a")}), frozenset({("zone", "b")})])
nodes = st.builds(
    NodeSpec,
    name=st.just(""),
    amounts=st.tuples(st.integers(0, 8), st.integers(0, 16)),
    cards=st.integers(0, 4),
    card_memory=st.sampled_from([0, 16]),
    labels=labels,
    taints=st.sampled_from([frozenset(), frozenset(), frozenset({"old"})]),
    domain=st.sampled_from("xy"),
)
whole = st.builds(
    Shape,
    amounts=st.tuples(st.integers(1, 4), st.integers(0, 4)),
    cards=st.integers(0, 3),
    labels=st.sampled_from([frozenset(), frozenset(), frozenset({("zone", frozenset({"a"}))})]),
    tolerates=st.sampled_from([frozenset(), frozenset({"old"})]),
    per_node=st.sampled_from([1 << 20, 1, 2]),
)
part = st.builds(
    Shape,
    amounts=st.tuples(st.integers(1, 4), st.integers(0, 4)),
    cards=st.just(1),
    card_share=st.sampled_from([200, 300, 500]),
    card_memory=st.sampled_from([0, 4, 8]),
)
shapes = whole | part
QUEUES = (QueueSpec("a"), QueueSpec("b", weight=2.0), QueueSpec("b1", "b"), QueueSpec("b2", "b"))
LEAVES = ("a", "b1", "b2")


@dataclass(frozen=True)
class Situation:
    nodes: Sequence[NodeSpec]
    jobs: Sequence[Job]
    ends: Sequence[int]
    """After which round each job ends."""


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    made = [replace(draw(nodes), name=f"node-{at}") for at in range(draw(st.integers(1, 4)))]
    jobs = []
    for at in range(draw(st.integers(1, 20))):
        least = draw(st.integers(1, 3))
        workers = (least, least + draw(st.integers(0, 2)))
        estimate = draw(st.sampled_from([1.0, 3.0, 10.0]))
        arrives = float(draw(st.integers(0, 4)))
        jobs.append(Job(f"job-{at:02}", draw(st.sampled_from(LEAVES)), draw(shapes), arrives, estimate, workers))
    return Situation(made, jobs, [draw(st.integers(0, 3)) for _ in jobs])


def played(
    situation: Situation, policy: Policy = GREEDY, *, forgetful: bool = False
) -> Iterator[tuple[Ledger, list[Job], list[Placed]]]:
    """The account, who still waits, and what was placed, after each of some rounds."""
    ledger = Ledger(situation.nodes)
    allocator = Allocator(situation.nodes, QUEUES, policy, popular={job.shape: 1.0 for job in situation.jobs})
    known = {job.id: job for job in situation.jobs}
    ends = dict(zip(known, situation.ends, strict=True))
    running: dict[str, tuple[int, Placed]] = {}
    waiting: dict[str, Job] = {}
    for round_ in range(8):
        for name, (end, placed) in list(running.items()):
            if end <= round_:
                allocator.finish(name)
                ledger.give_back(known[name], placed)
                del running[name]
        for job in situation.jobs:
            if job.submitted == round_:
                allocator.submit(job)
                waiting[job.id] = job
        if forgetful:
            allocator._state.shapes["seen"] = 0
        made = allocator.round(float(round_))
        for placed in made:
            job = waiting.pop(placed.job)
            ledger.take(job, placed)
            running[placed.job] = (round_ + ends[placed.job], placed)
        yield ledger, list(waiting.values()), made


@given(situations(), st.sampled_from(RULES), st.booleans())
def test_nothing_is_given_out_beyond_what_there_is_and_gangs_are_whole(
    situation: Situation, rule: int, patient: bool
) -> None:
    policy = MODELYARD._replace(rule=rule, patience_s=1e9 if patient else 1.0)
    sizes = {job.id: job.workers for job in situation.jobs}
    for _, _, made in played(situation, policy):
        for placed in made:
            least, most = sizes[placed.job]
            assert least <= len(placed.workers) <= most


@given(situations())
def test_nobody_waits_for_what_is_free(situation: Situation) -> None:
    """Pareto: at the end of a round no gang that waits fits into what is free and not reserved."""
    for ledger, waiting, _ in played(situation):
        assert not [job.id for job in waiting if ledger.fits(job)]


@given(situations(), st.randoms(use_true_random=False))
def test_the_order_in_which_nodes_are_listed_does_not_matter(situation: Situation, chance: Random) -> None:
    shuffled = list(situation.nodes)
    chance.shuffle(shuffled)
    for policy in (GREEDY, MODELYARD._replace(patience_s=1.0)):
        first = [made for _, _, made in played(situation, policy)]
        assert first == [made for _, _, made in played(replace(situation, nodes=shuffled), policy)]


@given(situations(), st.sampled_from(RULES))
def test_scores_that_are_kept_decide_as_scores_taken_anew(situation: Situation, rule: int) -> None:
    """Incremental equals a full rescan, bit for bit."""
    for policy in (GREEDY._replace(rule=rule), MODELYARD._replace(rule=rule, patience_s=1.0)):
        kept = [made for _, _, made in played(situation, policy)]
        assert kept == [made for _, _, made in played(situation, policy, forgetful=True)]

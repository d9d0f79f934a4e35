"""The allocation follows the database, whatever happens to it between two rounds."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.kernel.values import Resources
from services.scheduler.cluster import Cluster
from services.scheduler.domain import (
    LEASED,
    ExitReason,
    Node,
    NodeState,
    Queue,
    Workload,
    WorkloadExit,
    WorkloadKind,
    WorkloadSpec,
    WorkloadState,
)

GIB = 1 << 30
START = datetime(2026, 1, 1, tzinfo=UTC)
DONE = WorkloadExit(ExitReason.COMPLETED, "It ended with exit code 0.")


def node(name: str = "node", resources: Resources | None = None, **changes: object) -> Node:
    values: dict[str, object] = {"engine": "process", "capacity": resources or Resources(4000, 8 * GIB), **changes}
    return Node(id=name, name=name, owner="", project="", **values)  # type: ignore[arg-type]


def workload(name: str, needs: Resources, project: str = "p", **changes: object) -> Workload:
    values: dict[str, object] = {"kind": WorkloadKind.TRAINING, "engine": "process", **changes}
    spec = WorkloadSpec(name=name, resources=needs, **values)  # type: ignore[arg-type]
    return Workload(id=name, owner="user", project=project, spec=spec, request_id=name, created_at=START)


class Grant(NamedTuple):
    workload_id: str
    node_id: str
    cards: tuple[int, ...]


def decide(
    cluster: Cluster,
    nodes: list[Node],
    queues: list[Queue],
    pending: list[Workload],
    running: list[Workload],
    at: float,
) -> list[Grant]:
    made = cluster.decide(nodes, queues, pending, running, at)
    return [Grant(placed.job, *placed.workers[0]) for placed in made.placed] if made else []


def now(seconds: float = 0.0) -> float:
    return START.timestamp() + seconds


def start(waiting: list[Workload], grants: list[Grant]) -> list[Workload]:
    """What the database does with grants; those that have started."""
    started = []
    for fence, grant in enumerate(grants, 1):
        (one,) = [one for one in waiting if one.id == grant.workload_id]
        one.place(grant.node_id, fence, grant.cards)
        started.append(one)
    return started


def test_two_tenants_of_the_paper_get_three_and_two() -> None:
    """⟨9 CPU, 18 GB⟩ with tasks A ⟨1, 4⟩ and B ⟨3, 1⟩: both at a dominant share of 2/3 (Ghodsi et al., 2011)."""
    pending = [workload(f"a{at}", Resources(1000, 4 * GIB), "a") for at in range(10)]
    pending += [workload(f"b{at}", Resources(3000, 1 * GIB), "b") for at in range(10)]
    grants = decide(Cluster(), [node(resources=Resources(9000, 18 * GIB))], [], pending, [], now())
    assert sorted(grant.workload_id[0] for grant in grants) == ["a", "a", "a", "b", "b"]


def test_shares_of_what_runs_count() -> None:
    running = [workload("a0", Resources(2000), "a")]
    running[0].place("node", 1)
    pending = [workload("a1", Resources(1000), "a"), workload("b1", Resources(1000), "b")]
    grants = decide(Cluster(), [node(resources=Resources(3000))], [], pending, running, now())
    assert [grant.workload_id for grant in grants] == ["b1"]


def test_weights_and_limits_count_from_the_next_round_on() -> None:
    cluster, nodes = Cluster(), [node(resources=Resources(6000))]
    pending = [workload(f"{project}{at}", Resources(1000), project) for project in "ab" for at in range(6)]
    twice = Queue(id="b", weight=2.0)
    names = [grant.workload_id[0] for grant in decide(cluster, nodes, [twice], pending, [], now())]
    assert sorted(names) == ["a", "a", "b", "b", "b", "b"]
    limited = Queue(id="b", weight=2.0, quota=Resources(cpu_millis=1000))
    names = [grant.workload_id[0] for grant in decide(cluster, nodes, [limited], pending, [], now(1))]
    assert sorted(names) == ["a", "a", "a", "a", "a", "b"]
    owed = Queue(id="b", guarantee=Resources(cpu_millis=5000))
    names = [grant.workload_id[0] for grant in decide(cluster, nodes, [owed], pending, [], now(2))]
    assert sorted(names) == ["a", "b", "b", "b", "b", "b"]


def test_cards_are_given_out_one_by_one() -> None:
    cluster, gpus = Cluster(), node(resources=Resources(32000, 64 * GIB, 4000, 64 * GIB))
    pending = [
        workload("half-1", Resources(1000, GIB, 500)),
        workload("half-2", Resources(1000, GIB, 500)),
        workload("pair", Resources(1000, GIB, 2000)),
        workload("large", Resources(1000, GIB, 1000, 17 * GIB)),
    ]
    grants = {grant.workload_id: grant.cards for grant in decide(cluster, [gpus], [], pending, [], now())}
    assert grants["half-1"] == grants["half-2"], "two halves are one card"
    assert len(grants["pair"]) == 2
    assert not {*grants["half-1"]} & {*grants["pair"]}
    assert "large" not in grants, "a card has 16 GiB"


def test_a_node_that_is_drained_keeps_what_runs_and_takes_nothing_new() -> None:
    running = workload("a", Resources(1000))
    running.place("node", 1)
    drained = node(drained=True)
    assert decide(Cluster(), [drained], [], [workload("b", Resources(1000))], [running], now()) == []
    other = node("other")
    (grant,) = decide(Cluster(), [drained, other], [], [workload("b", Resources(1000))], [running], now())
    assert grant.node_id == "other"


def test_engines_keep_to_their_nodes() -> None:
    nodes = [node("a-triton", engine="triton"), node("b-process")]
    (grant,) = decide(Cluster(), nodes, [], [workload("a", Resources(1000))], [], now())
    assert grant.node_id == "b-process"
    assert decide(Cluster(), nodes[:1], [], [workload("a", Resources(1000))], [], now()) == []


def test_what_the_database_refused_is_decided_again() -> None:
    cluster, nodes = Cluster(), [node(resources=Resources(1000))]
    pending = [workload("a", Resources(1000)), workload("b", Resources(1000))]
    pending[1].created_at += timedelta(seconds=1)
    (first,) = decide(cluster, nodes, [], pending, [], now())
    assert decide(cluster, nodes, [], pending, [], now(1)) == [first]
    (second,) = decide(cluster, nodes, [], pending[1:], [], now(2))
    assert second.workload_id == "b", "the first was cancelled meanwhile"


@pytest.mark.parametrize("change", ["a node comes", "a project comes"])
def test_what_runs_goes_on_counting_when_the_allocation_is_made_anew(change: str) -> None:
    cluster, nodes = Cluster(), [node(resources=Resources(2000))]
    pending = [workload("a", Resources(2000))]
    running = start(pending, decide(cluster, nodes, [], pending, [], now()))
    later = [workload("b", Resources(2000), "other" if change == "a project comes" else "p")]
    if change == "a node comes":
        nodes = [*nodes, node("small", Resources(1000))]
    assert decide(cluster, nodes, [], later, running, now(1)) == []
    running[0].finish(DONE)
    (grant,) = decide(cluster, nodes, [], later, [], now(2))
    assert (grant.workload_id, grant.node_id) == ("b", "node")


def test_a_large_one_does_not_wait_for_ever_while_small_ones_come() -> None:
    """Also when the allocation is made anew meanwhile, as it is when a project comes."""
    cluster, nodes = Cluster(), [node(resources=Resources(4000))]
    whole = workload("whole", Resources(4000))
    whole.created_at = START + timedelta(seconds=300)
    waiting: list[Workload] = []
    running: list[tuple[int, Workload]] = []
    for second in range(0, 7200, 60):
        for since, one in running:
            if second >= since + 240:
                one.finish(DONE)
        running = [(since, one) for since, one in running if not one.ended]
        small = workload(f"small{second}", Resources(1000), f"p{second // 1800}", time_limit_s=240)
        small.created_at = START + timedelta(seconds=second)
        waiting += [small, whole] if second == 300 else [small]
        started = start(waiting, decide(cluster, nodes, [], waiting, [one for _, one in running], now(second)))
        if whole in started:
            assert 900 < second < 1800, "after its patience, soon"
            return
        running += [(second, one) for one in started]
        waiting = [one for one in waiting if one not in started]
    pytest.fail("it still waits")


class Histories(RuleBasedStateMachine):
    """Random histories: nothing is ever given out beyond a node's capacity, nor a card twice."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster()
        self.nodes: dict[str, Node] = {}
        self.workloads: dict[str, Workload] = {}
        self.fence = 0
        self.second = 0

    @rule(name=st.sampled_from("xyz"), cores=st.integers(1, 4), cards=st.integers(0, 3))
    def node_is_there(self, name: str, cores: int, cards: int) -> None:
        if name not in self.nodes:
            self.nodes[name] = node(name, Resources(cores * 1000, 4 * GIB, cards * 1000, cards * GIB))
        self.nodes[name].state = NodeState.READY

    @precondition(lambda self: self.nodes)
    @rule(data=st.data())
    def node_is_lost(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.nodes)))
        self.nodes[name].state = NodeState.LOST
        for one in self.leased():
            if one.lease and one.lease.node_id == name:
                one.lose(name)

    @rule(project=st.sampled_from("pq"), cores=st.integers(1, 4), gpu=st.sampled_from([0, 0, 500, 1000, 2000]))
    def submitted(self, project: str, cores: int, gpu: int) -> None:
        name = f"wl-{len(self.workloads):03}"
        self.workloads[name] = workload(name, Resources(cores * 500, GIB, gpu), project)

    @precondition(lambda self: self.workloads)
    @rule(data=st.data())
    def ends(self, data: st.DataObject) -> None:
        one = self.workloads[data.draw(st.sampled_from(sorted(self.workloads)))]
        if one.state in LEASED:
            one.finish(DONE)
        else:
            one.cancel()

    @rule(refused=st.integers(0, 4))
    def round(self, refused: int) -> None:
        self.second += 1
        pending = [one for one in self.workloads.values() if one.state is WorkloadState.PENDING]
        for at, grant in enumerate(
            decide(self.cluster, list(self.nodes.values()), [], pending, self.leased(), now(self.second))
        ):
            self.fence += 1
            if at != refused:
                self.workloads[grant.workload_id].place(grant.node_id, self.fence, grant.cards)

    @invariant()
    def nothing_is_given_out_twice(self) -> None:
        for name, this in self.nodes.items():
            here = [one for one in self.leased() if one.lease and one.lease.node_id == name]
            used = sum((one.spec.total for one in here), Resources())
            assert used.fits_into(this.capacity)
            for card in range(this.capacity.gpu_millis // 1000):
                shares = [min(one.spec.total.gpu_millis, 1000) for one in here if one.lease and card in one.lease.cards]
                assert sum(shares) <= 1000

    def leased(self) -> list[Workload]:
        return [one for one in self.workloads.values() if one.state in LEASED]


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)

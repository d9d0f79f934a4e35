"""Submission, reports, rounds and lost nodes."""

from dataclasses import replace

import pytest

from services.kernel.entity import utc_now
from services.kernel.errors import Conflict, FailedPrecondition, InvalidArgument, Unavailable
from services.kernel.values import Resources
from services.scheduler.core.ledger import replay
from services.scheduler.domain import (
    MAX_ATTEMPTS,
    ExitReason,
    Node,
    NodeState,
    Queue,
    Report,
    Workload,
    WorkloadExit,
    WorkloadInput,
    WorkloadSpec,
    WorkloadState,
)
from services.scheduler.handlers import nodes as node_handlers
from services.scheduler.handlers.known import KnownWorkloads
from services.scheduler.handlers.placement import NodeLoss, Placement, allocated_by_node, leased_workloads
from services.scheduler.handlers.workloads import Submit, cancel, check, ended, report, submit
from tests.unit.scheduler.fakes import FakeFences, FakeLedger, FakeRepository, at_once
from tests.unit.scheduler.places import script

DONE = WorkloadExit(ExitReason.COMPLETED, "It ended with exit code 0.")


class World:
    """A scheduler in memory with a clock that tests move."""

    def __init__(self) -> None:
        self.workloads: FakeRepository[Workload] = FakeRepository()
        self.nodes: FakeRepository[Node] = FakeRepository()
        self.queues: FakeRepository[Queue] = FakeRepository()
        self.ledger = FakeLedger()
        self.now = 0.0
        self.placement = Placement(self.workloads, self.nodes, self.queues, FakeFences(), self.ledger, at_once)
        self.loss = NodeLoss(self.workloads, self.nodes, at_once, clock=lambda: self.now)

    def beat(self, node_id: str = "node-1", cores: int = 2) -> None:
        told = node_handlers.Heartbeat(node_id, node_id, "process", Resources(cores * 1000, 4 << 30))
        node_handlers.heartbeat(self.nodes, told)
        self.nodes.stored[node_id].last_heartbeat_at = utc_now()

    def submit(self, request_id: str = "r") -> Workload:
        return submit(self.workloads, Submit(script("pass"), request_id, "user", "p"))

    def pass_time(self, seconds: int, *, beating: bool = False) -> None:
        for _ in range(seconds):
            self.now += 1
            if beating:
                for node in self.nodes.stored.values():
                    node.last_heartbeat_at = node.last_heartbeat_at.replace(year=2000 + int(self.now))
            self.loss.run()


@pytest.fixture
def world() -> World:
    return World()


def test_a_request_id_makes_one_workload(world: World) -> None:
    assert world.submit("r").id == world.submit("r").id
    assert len(world.workloads.stored) == 1
    assert [event for _, event in world.workloads.events] == ["submitted"]


def test_what_has_ended_or_is_unknown_needs_nothing_more(world: World) -> None:
    waiting, gone = world.submit("a").id, world.submit("b").id
    cancel(world.workloads, gone)
    assert ended(world.workloads, [waiting, gone, "wl-unknown"]) == [gone, "wl-unknown"]


def test_the_ledger_holds_what_was_decided_and_a_replay_comes_to_the_same(world: World) -> None:
    world.beat()
    made = sorted(world.submit(name).id for name in "abc")
    world.placement.run()
    first = next(world.workloads.get(one) for one in made if world.workloads.get(one).lease)
    report(world.workloads, Report("node-1", first.id, first.fence, exit=DONE))
    world.placement.run()
    assert sorted(one.job for round_ in world.ledger.rounds for one in round_.placed) == made
    assert all(one.same for one in replay(world.ledger.rounds))


def test_a_round_that_could_not_be_written_is_decided_anew(world: World) -> None:
    world.beat()
    made = world.submit("a").id
    world.ledger.away = True
    with pytest.raises(Unavailable):
        world.placement.run()
    world.ledger.away = False
    world.placement.run()
    assert world.workloads.get(made).state is WorkloadState.PLACED
    (round_,) = world.ledger.rounds
    assert round_.changes.begun is not None


def test_a_drained_node_takes_nothing_new_until_it_is_resumed(world: World) -> None:
    world.beat()
    running = world.submit("a").id
    world.placement.run()
    node_handlers.set_drained(world.nodes, "node-1", True)
    waiting = world.submit("b").id
    world.beat()
    world.placement.run()
    assert world.workloads.get(running).state is WorkloadState.PLACED
    assert world.workloads.get(waiting).waiting_reason == "It waits for a node: none of the engine process is there."
    node_handlers.set_drained(world.nodes, "node-1", False)
    world.placement.run()
    assert world.workloads.get(waiting).state is WorkloadState.PLACED


def test_a_run_sees_the_cards_of_its_lease_only(world: World) -> None:
    capacity = Resources(4000, 4 << 30, 4000, 64 << 30)
    node_handlers.heartbeat(world.nodes, node_handlers.Heartbeat("node-1", "node-1", "process", capacity))
    spec = replace(script("pass"), resources=Resources(1000, gpu_millis=2000), env={"CUDA_VISIBLE_DEVICES": "0,1,2,3"})
    for name in "ab":
        submit(world.workloads, Submit(spec, name, "user", "p"))
    world.placement.run()
    seen = [one.spec.env["CUDA_VISIBLE_DEVICES"] for one in node_handlers.assignments(world.workloads, "node-1")]
    assert sorted(",".join(seen).split(",")) == ["0", "1", "2", "3"]


def test_a_round_grants_leases_with_growing_fences(world: World) -> None:
    world.beat()
    made = [world.submit(name).id for name in "abc"]
    world.placement.run()
    found = (world.workloads.get(name) for name in made)
    first, second, third = sorted(found, key=lambda workload: (workload.created_at, workload.id))
    assert [item.state for item in (first, second, third)] == ["placed", "placed", "pending"]
    assert first.lease and second.lease
    assert first.lease.fence < second.lease.fence
    assert third.waiting_reason == "It waits for 1 core: 2 cores of 2 cores are in use."
    assert allocated_by_node(leased_workloads(world.workloads)) == {"node-1": Resources(2000)}


def test_a_reason_is_written_only_when_it_changes(world: World) -> None:
    world.submit()
    world.placement.run()
    saves = world.workloads.saves
    world.placement.run()
    assert world.workloads.saves == saves


def test_reports_move_it_and_may_be_repeated(world: World) -> None:
    world.beat()
    made = world.submit()
    world.placement.run()
    running = Report("node-1", made.id, 1, progress=0.5)
    for _ in range(2):
        assert report(world.workloads, running).state is WorkloadState.RUNNING
    ended = replace(running, exit=DONE)
    for _ in range(2):
        assert report(world.workloads, ended).state is WorkloadState.EXITED
    assert [event for _, event in world.workloads.events] == ["submitted", "placed", "started", "exited"]
    assert world.workloads.get(made.id).progress == 1.0


@pytest.mark.parametrize(("node_id", "fence"), [("node-1", 0), ("node-1", 2), ("node-2", 1)])
def test_who_does_not_hold_the_lease_is_refused(world: World, node_id: str, fence: int) -> None:
    world.beat()
    made = world.submit()
    world.placement.run()
    with pytest.raises(Conflict) as refused:
        report(world.workloads, Report(node_id, made.id, fence))
    assert refused.value.reason == "FENCED"


def test_a_stopping_workload_does_not_run_again(world: World) -> None:
    world.beat()
    made = world.submit()
    world.placement.run()
    cancel(world.workloads, made.id)
    assert [item.stop for item in node_handlers.assignments(world.workloads, "node-1")] == [True]
    assert report(world.workloads, Report("node-1", made.id, 1)).state is WorkloadState.STOPPING
    report(world.workloads, Report("node-1", made.id, 1, exit=replace(DONE, reason=ExitReason.CANCELLED)))
    assert cancel(world.workloads, made.id).state is WorkloadState.EXITED
    assert node_handlers.assignments(world.workloads, "node-1") == []


def test_a_silent_node_is_lost_and_its_work_waits_again(world: World) -> None:
    world.beat()
    made = world.submit()
    world.placement.run()
    report(world.workloads, Report("node-1", made.id, 1))
    world.pass_time(14)
    assert world.nodes.get("node-1").state is NodeState.READY
    world.pass_time(5)
    assert world.nodes.get("node-1").state is NodeState.LOST
    lost = world.workloads.get(made.id)
    assert (lost.state, lost.lease) == (WorkloadState.PENDING, None)
    world.beat()
    world.placement.run()
    again = world.workloads.get(made.id)
    assert (again.state, again.attempt, again.fence) == (WorkloadState.PLACED, 2, 2)


def test_a_beating_node_stays(world: World) -> None:
    world.beat()
    world.pass_time(60, beating=True)
    assert world.nodes.get("node-1").state is NodeState.READY


def test_time_in_which_the_scheduler_was_blind_does_not_count(world: World) -> None:
    world.beat()
    world.pass_time(10)
    world.now += 100
    world.pass_time(14)
    assert world.nodes.get("node-1").state is NodeState.READY


def test_after_the_last_attempt_a_lost_one_ends(world: World) -> None:
    made = world.submit()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        world.beat()
        world.placement.run()
        assert world.workloads.get(made.id).attempt == attempt
        world.pass_time(20)
    ended = world.workloads.get(made.id)
    assert ended.exit is not None
    assert (ended.state, ended.exit.reason) == (WorkloadState.EXITED, ExitReason.LOST)
    assert [event for _, event in world.workloads.events].count("exited") == 1


def test_a_restored_platform_gives_its_workloads_another_start(world: World) -> None:
    """Whatever attempts they had; who was asked to stop has stopped."""
    world.beat()
    running, stopping = world.submit("running"), world.submit("stopping")
    for workload in (running, stopping):
        workload.attempt = MAX_ATTEMPTS - 1
        workload.place("node-1", 7)
        workload.start()
    stopping.cancel()
    for workload in (running, stopping):
        workload.interrupted()
    assert (running.state, running.lease) == (WorkloadState.PENDING, None)
    assert "restored from a backup" in running.waiting_reason
    assert stopping.exit is not None
    assert stopping.exit.reason is ExitReason.CANCELLED
    running.place("node-1", 8)
    assert running.attempt == MAX_ATTEMPTS


def test_illegal_transitions_raise() -> None:
    workload = Workload(id="wl", spec=script("pass"), request_id="r")
    with pytest.raises(FailedPrecondition):
        workload.start()
    with pytest.raises(FailedPrecondition):
        workload.finish(DONE)
    with pytest.raises(FailedPrecondition):
        workload.lose("node")
    workload.cancel()
    with pytest.raises(FailedPrecondition):
        workload.place("node", 1)


@pytest.mark.parametrize(
    "spec",
    [
        replace(script("pass"), command=()),
        replace(script("pass"), resources=Resources()),
        replace(script("pass"), resources=Resources(1000, gpu_millis=1500)),
        replace(script("pass"), resources=Resources(1000, gpu_millis=500), workers=3),
        replace(script("pass"), resources=Resources(1000, gpu_memory_bytes=1)),
        replace(script("pass"), env={"A B": "x"}),
        replace(script("pass"), env={"A": "x\0"}),
        replace(script("pass"), inputs=(WorkloadInput("a/../../b", text=""),)),
        replace(script("pass"), inputs=(WorkloadInput("output/x", text=""),)),
        replace(script("pass"), inputs=(WorkloadInput("a", text=""), WorkloadInput("a", text=""))),
        replace(script("pass"), inputs=(WorkloadInput("a"),)),
    ],
)
def test_impossible_specs_are_refused(spec: WorkloadSpec) -> None:
    with pytest.raises(InvalidArgument):
        check(spec)


def test_of_a_long_queue_some_are_told_why_at_a_time(world: World) -> None:
    world.placement.clock = lambda: world.now
    for number in range(50):
        world.submit(f"r{number}")
    world.placement.run()
    told = [item for item in world.workloads.stored.values() if item.waiting_reason]
    assert 0 < len(told) < 50
    for _ in range(5):
        world.now += 2
        world.placement.run()
    assert all(item.waiting_reason for item in world.workloads.stored.values())


def test_workloads_that_did_not_change_are_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    select = world.workloads.select

    def counted(query: dict[str, object], *, limit: int = 0) -> list[Workload]:
        found = select(query, limit=limit)
        read.extend(item.id for item in found)
        return found

    first, second = world.submit("a").id, world.submit("b").id
    known = KnownWorkloads(world.workloads, {"state": "pending"})
    monkeypatch.setattr(world.workloads, "versions", lambda query, limit=0: {w.id: w.version for w in select(query)})
    monkeypatch.setattr(world.workloads, "select", counted)
    assert {item.id for item in known.select()} == {first, second}
    changed = world.workloads.get(first)
    changed.waiting_reason = "why"
    world.workloads.save(changed)
    cancel(world.workloads, second)
    assert [(item.id, item.waiting_reason) for item in known.select()] == [(first, "why")]
    assert sorted(read) == sorted([first, second, first])

"""The reconciler while parts of the world are away, die or change their mind."""

import threading

import pytest

from services.kernel.errors import DeadlineExceeded, InvalidArgument, Unavailable
from services.serving.domain import ModelRejected, ServiceState
from services.serving.handlers.passes import LoadGate
from services.serving.handlers.services import start_service, stop_service
from services.serving.naming import entry_names
from services.serving.ports import Answer, LeaseRequest, WorkloadState, WorkloadView
from tests.unit.serving.conftest import World, running


def test_triton_restarted_gets_its_models_again(world: World) -> None:
    service = running(world)
    world.triton.restart()
    world.pass_by()
    assert world.triton.running == {service.id: 2}
    assert world.now_of(service).state is ServiceState.RUNNING


def test_while_triton_is_away_the_service_says_so(world: World) -> None:
    service = running(world)
    world.triton.away = True
    world.pass_by(2)
    found = world.now_of(service)
    assert (found.state, found.actual_load) == (ServiceState.RUNNING, 0)
    assert "Triton does not answer" in found.waiting_reason
    world.triton.away = False
    world.triton.restart()
    world.pass_by()
    assert (world.now_of(service).actual_load, world.now_of(service).waiting_reason) == (2, "")


def test_a_dead_instance_is_found_by_the_regular_check(world: World) -> None:
    service = running(world)
    world.triton.dead.add(service.id)
    world.pass_by()
    assert world.triton.dead, "not due yet"
    world.later()
    world.pass_by()
    assert not world.triton.dead


def test_a_dead_instance_is_healed_at_once_when_a_client_met_it(world: World) -> None:
    service = running(world)
    world.triton.dead.add(service.id)
    world.attention.call(service.id)
    world.pass_by()
    assert not world.triton.dead


def test_a_running_model_that_cannot_be_healed_fails_after_three_attempts(world: World) -> None:
    service = running(world)
    world.triton.restart()
    world.triton.rejects = "out of memory"
    world.pass_by(2)
    assert world.now_of(service).state is ServiceState.RUNNING
    world.pass_by(2)
    assert world.now_of(service).state is ServiceState.FAILED
    assert world.scheduler.used == 0


def test_without_the_scheduler_what_runs_is_still_healed(world: World) -> None:
    service = running(world)
    world.scheduler.away = True
    world.triton.restart()
    world.later()
    with pytest.raises(Unavailable):
        world.pass_by()
    assert world.triton.running == {service.id: 2}
    assert world.now_of(service).actual_load == 2


def test_a_lost_lease_stops_the_instances_until_there_is_another(world: World) -> None:
    service = running(world)
    (workload,) = world.scheduler.workloads.values()
    workload.state, world.scheduler.capacity = WorkloadState.PENDING, 0
    world.later()
    world.pass_by(2)
    found = world.now_of(service)
    assert (found.state, found.actual_load) == (ServiceState.STARTING, 0)
    assert world.triton.running == {}
    world.scheduler.capacity = 2
    world.pass_by(2)
    assert world.now_of(service).state is ServiceState.RUNNING
    assert workload.running


@pytest.mark.parametrize("state", [WorkloadState.STOPPING, WorkloadState.CANCELLED])
def test_a_lease_cancelled_by_hand_stops_the_service(world: World, state: WorkloadState) -> None:
    service = running(world)
    (workload,) = world.scheduler.workloads.values()
    workload.state = state
    world.later()
    world.pass_by(2)
    assert world.now_of(service).state is ServiceState.STOPPED
    assert world.triton.running == {}
    assert workload.state is WorkloadState.CANCELLED


def test_a_workload_that_vanished_is_asked_for_again(world: World) -> None:
    service = running(world)
    world.scheduler.workloads.clear()
    world.later()
    world.pass_by(2)
    assert world.now_of(service).state is ServiceState.RUNNING
    assert [workload.request.subject for workload in world.scheduler.workloads.values()] == [f"service/{service.id}/2"]


def test_control_killed_between_plan_and_request_asks_under_the_same_name(world: World) -> None:
    service = world.create()
    start_service(service.id, 2, world.services)
    world.scheduler.away = True
    with pytest.raises(Unavailable):
        world.pass_by()
    assert [lease.number for lease in world.now_of(service).leases] == [1]
    world.scheduler.away = False
    world.restart_control()
    world.pass_by(2)
    assert world.now_of(service).state is ServiceState.RUNNING
    assert list(world.scheduler.workloads) == [f"wl-{service.id}/1"]


def test_orphans_are_unloaded_and_removed_and_strangers_left_alone(world: World) -> None:
    service = running(world)
    orphan = "svc-" + "0" * 26
    world.triton.write(orphan, service.bundle, 1)
    world.triton.load(orphan)
    world.triton.running["somebody-elses"] = 1
    world.pass_by()
    assert set(world.triton.running) == {service.id, "somebody-elses"}
    assert set(world.triton.entries) == {service.id}


def test_one_bad_service_does_not_hold_up_the_others(world: World) -> None:
    good, bad = world.create(), world.create()
    for service in (good, bad):
        start_service(service.id, 1, world.services)
    original = world.triton.write

    def write(service_id: str, *rest: object) -> object:
        if service_id == bad.id:
            raise OSError("disk full")
        return original(service_id, *rest)  # type: ignore[arg-type]

    world.triton.write = write  # type: ignore[method-assign,assignment]
    with pytest.raises(OSError, match="disk full"):
        world.pass_by(2)
    assert world.now_of(good).state is ServiceState.RUNNING
    assert entry_names(good.id)[-1] == good.id


def test_a_change_in_the_middle_of_a_pass_loses_no_decision(world: World) -> None:
    """Everything that a pass decides is stored before it gives leases back."""
    service = world.create()
    start_service(service.id, 1, world.services)
    original = world.triton.write

    def write(*arguments: object) -> object:
        meddler = world.now_of(service)
        meddler.description = "changed meanwhile"
        world.services.save(meddler)
        world.triton.write = original  # type: ignore[method-assign]
        raise ModelRejected("sha256 differs")

    world.triton.write = write  # type: ignore[method-assign,assignment]
    world.triton.rejects = "sha256 differs"
    world.pass_by()
    assert world.scheduler.used == 1
    world.pass_by()
    assert world.now_of(service).error == "sha256 differs"
    assert world.scheduler.used == 0


def test_a_lease_whose_answer_was_never_stored_is_given_back(world: World) -> None:
    service = world.create()
    start_service(service.id, 2, world.services)
    original = world.scheduler.request

    def request(lease: LeaseRequest) -> WorkloadView:
        original(lease)
        raise Unavailable("the answer came too late")

    world.scheduler.request = request  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        world.pass_by()
    assert world.scheduler.used == 2
    stop_service(service.id, world.services)
    world.scheduler.request = original  # type: ignore[method-assign]
    world.restart_control()
    world.pass_by(2)
    assert world.scheduler.used == 0
    assert list(world.scheduler.workloads) == [f"wl-{service.id}/1"]
    assert world.now_of(service).state is ServiceState.STOPPED


def test_a_lease_that_the_scheduler_refuses_does_not_keep_the_service_from_stopping(world: World) -> None:
    service = world.create()
    start_service(service.id, 2, world.services)

    def request(lease: LeaseRequest) -> WorkloadView:
        raise InvalidArgument("the title is too long")

    world.scheduler.request = request  # type: ignore[method-assign]
    with pytest.raises(InvalidArgument):
        world.pass_by()
    stop_service(service.id, world.services)
    world.pass_by(2)
    assert world.now_of(service).state is ServiceState.STOPPED


def test_a_lease_that_was_only_planned_is_never_asked_for(world: World) -> None:
    service = world.create()
    service.start(2)
    service.plan_leases()
    service.stop()
    world.services.save(service)
    world.pass_by(2)
    assert world.scheduler.workloads == {}
    assert world.now_of(service).state is ServiceState.STOPPED


def test_a_model_that_answers_late_does_not_fail(world: World) -> None:
    service = world.create()
    start_service(service.id, 1, world.services)
    original = world.triton.infer

    def infer(*_: object) -> list[Answer]:
        raise DeadlineExceeded("it did not answer within 30 s.")

    world.triton.infer = infer  # type: ignore[method-assign,assignment]
    world.pass_by(3)
    found = world.now_of(service)
    assert (found.state, found.waiting_reason) == (ServiceState.STARTING, "it did not answer within 30 s.")
    world.triton.infer = original  # type: ignore[method-assign]
    world.pass_by()
    assert world.now_of(service).state is ServiceState.RUNNING


def test_a_model_that_ends_triton_fails_after_three_times_and_the_others_go_on(world: World) -> None:
    good, bad = running(world), world.create()
    world.triton.fatal.add(bad.id)
    start_service(bad.id, 1, world.services)
    world.pass_by(8)
    found = world.now_of(bad)
    assert (found.state, world.triton.loads.count(bad.id)) == (ServiceState.FAILED, 3)
    assert "Triton ended 3 times while it loaded the model" in found.error
    assert world.now_of(good).actual_load == 2
    assert world.triton.running == {good.id: 2}
    assert bad.id not in world.triton.entries
    assert world.scheduler.used == 2


def test_a_triton_that_ended_by_chance_is_not_held_against_the_model(world: World) -> None:
    service = world.create()
    start_service(service.id, 1, world.services)
    for _ in range(4):
        world.triton.fatal.add(service.id)
        world.pass_by()
        world.triton.fatal.clear()
        world.pass_by(2)
        assert world.now_of(service).state is ServiceState.RUNNING
        world.triton.restart()


def test_a_model_that_loads_for_long_does_not_hold_up_the_others(world: World) -> None:
    slow, quick = world.create(), world.create()
    finish, original = threading.Event(), world.triton.load

    def load(model: str) -> None:
        if model == slow.id:
            assert finish.wait(30)
        original(model)

    world.triton.load = load  # type: ignore[method-assign]
    start_service(slow.id, 1, world.services)
    start_service(quick.id, 1, world.services)
    world.pass_by(2)
    assert world.now_of(quick).state is ServiceState.RUNNING
    assert world.now_of(slow).state is ServiceState.STARTING
    finish.set()
    world.pass_by(2)
    assert world.now_of(slow).state is ServiceState.RUNNING
    assert world.triton.loads.count(slow.id) == 1


def test_a_suspect_is_loaded_alone() -> None:
    gate, order = LoadGate(), list[str]()
    entered = threading.Event()

    def alone() -> None:
        with gate.entered(alone=True):
            order.append("alone")

    suspect = threading.Thread(target=alone)
    with gate.entered(alone=False), gate.entered(alone=False):
        suspect.start()
        assert not entered.wait(0.1)
        order.append("others")
    suspect.join(10)
    assert order == ["others", "alone"]


def test_an_instance_whose_process_died_is_healed_in_the_next_pass_and_its_sister_ended(world: World) -> None:
    service = running(world)
    world.processes.running = {1: service.id, 2: service.id, 9: "svc-" + "9" * 26}
    world.later()
    world.pass_by()
    assert world.triton.loads.count(service.id) == 1
    del world.processes.running[1]
    world.pass_by()
    assert world.triton.loads.count(service.id) == 2, "although nobody has met the dead instance"
    world.processes.running |= {3: service.id, 4: service.id}
    world.later()
    world.pass_by(2)
    assert world.processes.ended == [9, 2]
    assert world.triton.loads.count(service.id) == 2
    assert world.processes.running == {3: service.id, 4: service.id}


def test_processes_of_a_service_that_was_stopped_are_ended_after_a_while(world: World) -> None:
    service = running(world)
    world.processes.running = {1: service.id}
    stop_service(service.id, world.services)
    world.pass_by(3)
    assert world.processes.ended == []
    world.later()
    world.pass_by()
    assert world.processes.ended == [1]


def test_a_rescaled_service_may_lose_its_former_processes(world: World) -> None:
    service = running(world)
    world.processes.running = {1: service.id, 2: service.id}
    world.later()
    world.pass_by()
    found = world.now_of(service)
    found.scale(1)
    world.services.save(found)
    world.pass_by(2)
    del world.processes.running[2]
    loads = world.triton.loads.count(service.id)
    world.pass_by(2)
    assert world.triton.loads.count(service.id) == loads

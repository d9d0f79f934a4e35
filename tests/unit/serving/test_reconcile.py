"""From what is wanted to what runs, with everything that can go wrong in between."""

import pytest

from services.kernel.errors import Unavailable
from services.serving.domain import Service, ServiceState
from services.serving.handlers.services import scale_service, start_service, stop_service
from services.serving.naming import entry_names
from services.serving.ports import WorkloadState
from tests.unit.serving.conftest import World


def running(world: World, load: int = 2) -> Service:
    service = world.create()
    start_service(service.id, load, world.services)
    world.pass_by(2)
    found = world.now_of(service)
    assert (found.state, found.actual_load) == (ServiceState.RUNNING, load)
    return found


def test_start_gets_a_lease_then_loads_then_reports(world: World) -> None:
    service = running(world)
    assert world.triton.running == {service.id: 2}
    (workload,) = world.scheduler.workloads.values()
    assert workload.running
    assert (workload.request.load, workload.request.owner, workload.request.project) == (2, "user-1", "lab")
    assert workload.request.subject == f"service/{service.id}/1"
    assert world.services.events == ["created", "updated", "started"]
    assert len(world.triton.asked) >= 2, "each instance passed a test inference"


def test_nothing_is_loaded_before_the_lease_is_placed(world: World) -> None:
    world.scheduler.capacity = 1
    service = world.create()
    start_service(service.id, 2, world.services)
    world.pass_by(3)
    found = world.now_of(service)
    assert found.state is ServiceState.STARTING
    assert found.waiting_reason == "Waits for 1 more instance."
    assert world.triton.entries == {}
    world.scheduler.capacity = 2
    world.pass_by(2)
    assert world.now_of(service).state is ServiceState.RUNNING
    assert world.now_of(service).waiting_reason == ""


def test_a_settled_pass_writes_nothing(world: World) -> None:
    service = running(world)
    version, loads = world.now_of(service).version, len(world.triton.loads)
    world.pass_by(3)
    world.later()
    world.pass_by()
    assert world.now_of(service).version == version
    assert len(world.triton.loads) == loads


def test_growing_asks_only_for_the_difference(world: World) -> None:
    world.scheduler.capacity = 5
    service = running(world, 3)
    scale_service(service.id, 5, world.services)
    world.pass_by(2)
    assert world.now_of(service).actual_load == 5
    assert [workload.request.load for workload in world.scheduler.workloads.values()] == [3, 2]
    assert world.services.events.count("started") == 1


def test_growing_beyond_what_is_free_goes_on_with_what_it_has(world: World) -> None:
    world.scheduler.capacity = 4
    service = running(world, 3)
    scale_service(service.id, 5, world.services)
    world.pass_by(3)
    found = world.now_of(service)
    assert (found.state, found.actual_load, found.desired_load) == (ServiceState.RUNNING, 3, 5)
    assert found.waiting_reason == "Waits for 1 more instance."


def test_shrinking_exchanges_the_lease_for_a_smaller_one(world: World) -> None:
    service = running(world, 4)
    scale_service(service.id, 1, world.services)
    world.pass_by(3)
    assert world.now_of(service).actual_load == 1
    assert world.scheduler.used == 1
    assert world.triton.running == {service.id: 1}


def test_shrinking_in_a_full_node_keeps_the_larger_lease_until_there_is_room(world: World) -> None:
    world.scheduler.capacity = 4
    service = running(world, 4)
    scale_service(service.id, 3, world.services)
    world.pass_by(3)
    assert world.now_of(service).actual_load == 3
    assert world.scheduler.used == 4
    world.scheduler.capacity = 7
    world.pass_by(3)
    assert world.scheduler.used == 3


def test_a_change_of_mind_while_shrinking(world: World) -> None:
    world.scheduler.capacity = 4
    service = running(world, 4)
    for load in (3, 2, 4):
        scale_service(service.id, load, world.services)
        world.pass_by(3)
        assert world.now_of(service).actual_load == load
    assert world.scheduler.used == 4
    assert len(world.now_of(service).leases) == 1


def test_stop_unloads_releases_and_keeps_the_address(world: World) -> None:
    service = running(world)
    stop_service(service.id, world.services)
    world.pass_by(2)
    found = world.now_of(service)
    assert (found.state, found.actual_load, found.leases) == (ServiceState.STOPPED, 0, [])
    assert found.address == service.address == f"/v2/models/{service.id}"
    assert not world.triton.running
    assert not world.triton.entries
    assert world.scheduler.used == 0
    assert world.services.events[-1] == "stopped"
    start_service(service.id, 1, world.services)
    world.pass_by(2)
    assert world.now_of(service).state is ServiceState.RUNNING


def test_stop_while_it_waits_withdraws_the_request(world: World) -> None:
    world.scheduler.capacity = 0
    service = world.create()
    start_service(service.id, 1, world.services)
    world.pass_by(2)
    stop_service(service.id, world.services)
    world.pass_by(2)
    assert world.now_of(service).state is ServiceState.STOPPED
    assert all(workload.state is WorkloadState.ENDED for workload in world.scheduler.workloads.values())


def test_a_model_that_cannot_be_loaded_fails_and_gives_its_lease_back(world: World) -> None:
    world.triton.rejects = "Triton could not load the model: bad weights"
    service = world.create()
    start_service(service.id, 2, world.services)
    world.pass_by(2)
    found = world.now_of(service)
    assert (found.state, found.desired_load, found.leases) == (ServiceState.FAILED, 0, [])
    assert "bad weights" in found.error
    assert world.scheduler.used == 0
    assert world.triton.entries == {}
    assert world.services.events[-1] == "failed"
    world.triton.rejects = ""
    start_service(service.id, 2, world.services)
    world.pass_by(2)
    assert world.now_of(service).state is ServiceState.RUNNING
    assert world.now_of(service).error == ""


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
    found = world.now_of(service)
    found.attend()
    world.services.save(found)
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

"""From what is wanted to what runs, step by step."""

from services.serving.domain import ServiceState
from services.serving.handlers.services import scale_service, start_service, stop_service
from services.serving.ports import WorkloadState
from tests.unit.serving.conftest import World, running


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

from dataclasses import replace

import pytest

from services.kernel.context import Caller, acting_as
from services.kernel.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unavailable
from services.kernel.traffic import MINUTE_S, Outcome
from services.kernel.values import Interface
from services.serving.domain import ServiceState
from services.serving.handlers import services as commands
from services.serving.handlers.predict import Predictions, predict
from tests.unit.serving.conftest import VERSION, World

STRANGER = Caller("user-2")
PNG = "iVBORw0KGgo="


def ask(world: World, service_id: str, instances: int = 1) -> Predictions:
    given = [{"image": PNG}] * instances
    return predict(service_id, given, world.services, world.attention, world.triton, world.traffic)


def started(world: World) -> str:
    service = world.create()
    commands.start_service(service.id, 0, world.services)
    world.pass_by(2)
    return service.id


def test_a_service_takes_over_what_the_model_version_says(world: World) -> None:
    service = world.create()
    assert (service.owner, service.project, service.state) == ("user-1", "lab", ServiceState.STOPPED)
    assert (service.model_id, service.model_number, service.task_id) == ("m-1", "1.01", "task-1")
    assert (service.bundle, service.interface, service.labels) == (VERSION.bundle, VERSION.interface, VERSION.labels)
    assert world.services.events == ["created"]


def test_an_unknown_version_or_one_without_interface_is_refused(world: World) -> None:
    with pytest.raises(NotFound, match="mv-9"):
        world.create("mv-9")
    world.library.versions["mv-2"] = replace(VERSION, interface=Interface())
    with pytest.raises(FailedPrecondition, match="no inference interface"):
        world.create("mv-2")


def test_start_without_a_load_means_one(world: World) -> None:
    assert world.services.get(started(world)).actual_load == 1


@pytest.mark.parametrize("load", [-1, 65])
def test_the_load_has_bounds(world: World, load: int) -> None:
    service = world.create()
    with pytest.raises(InvalidArgument, match="1 to 64"):
        commands.start_service(service.id, load, world.services)


def test_strangers_neither_see_nor_change_it(world: World) -> None:
    service_id = started(world)
    with acting_as(STRANGER):
        for command in (
            lambda: commands.stop_service(service_id, world.services),
            lambda: commands.resolve_service(service_id, world.services),
            lambda: ask(world, service_id),
        ):
            with pytest.raises(NotFound):
                command()


def test_a_public_service_can_be_used_but_not_changed_by_others(world: World) -> None:
    service = world.services.get(started(world))
    service.visibility = type(service.visibility).PUBLIC
    world.services.save(service)
    with acting_as(STRANGER):
        assert ask(world, service.id).answers[0].label == "green"
        with pytest.raises(PermissionDenied):
            commands.stop_service(service.id, world.services)


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        (ServiceState.STOPPED, ":start"),
        (ServiceState.STARTING, "wait until it runs"),
        (ServiceState.STOPPING, "when it is stopped"),
        (ServiceState.FAILED, "when the cause is mended: bad weights"),
    ],
)
def test_predict_says_what_to_do_when_it_does_not_run(world: World, state: ServiceState, advice: str) -> None:
    service = world.create()
    service.state, service.error = state, "bad weights"
    world.services.save(service)
    with pytest.raises(FailedPrecondition) as caught:
        ask(world, service.id)
    assert advice in caught.value.message


def test_predict_answers_each_instance(world: World) -> None:
    found = ask(world, started(world), 2)
    assert [answer.label for answer in found.answers] == ["green", "green"]
    assert dict(zip(found.labels, found.answers[0].probabilities, strict=True))["green"] == 0.8
    assert found.model_number == "1.01"


def test_predict_that_meets_a_dead_instance_calls_the_reconciler(world: World) -> None:
    service_id = started(world)
    world.triton.dead.add(service_id)
    with pytest.raises(Unavailable):
        ask(world, service_id)
    assert world.attention.called == {service_id}
    world.pass_by()
    assert ask(world, service_id).answers


def test_requests_to_what_runs_are_counted_by_how_they_end(world: World) -> None:
    service = world.create()
    with pytest.raises(FailedPrecondition):
        ask(world, service.id)
    running = started(world)
    ask(world, running)
    with pytest.raises(InvalidArgument):
        predict(running, [{"picture": PNG}], world.services, world.attention, world.triton, world.traffic)
    world.triton.away = True
    with pytest.raises(Unavailable):
        ask(world, running)
    with acting_as(STRANGER), pytest.raises(NotFound):
        ask(world, running)
    minute = next(cell for cell in world.traffic.take() if cell.span.width_s == MINUTE_S)
    assert (minute.subject, minute.outcomes) == (
        running,
        {Outcome.ANSWERED: 1, Outcome.REFUSED: 1, Outcome.FAILED: 1},
    )
    assert world.traffic.take() == []


def test_predict_while_triton_is_away_is_unavailable(world: World) -> None:
    service_id = started(world)
    world.triton.away = True
    with pytest.raises(Unavailable) as caught:
        ask(world, service_id)
    assert caught.value.reason == "TRITON_UNAVAILABLE"
    assert not world.attention.called


def test_delete_is_for_stopped_services(world: World) -> None:
    service_id = started(world)
    with pytest.raises(FailedPrecondition):
        commands.delete_service(world.services.get(service_id), world.services)
    commands.stop_service(service_id, world.services)
    world.pass_by(2)
    commands.delete_service(world.services.get(service_id), world.services)
    assert world.services.events[-1] == "deleted"


def test_workload_events_wake_only_the_service_that_holds_the_lease(world: World) -> None:
    service_id = started(world)
    (workload_id,) = world.scheduler.workloads
    assert not commands.attend_to_workload(service_id, "wl-of-somebody", world.services, world.attention)
    assert not commands.attend_to_workload("svc-gone", workload_id, world.services, world.attention)
    assert commands.attend_to_workload(service_id, workload_id, world.services, world.attention)
    assert world.attention.called == {service_id}

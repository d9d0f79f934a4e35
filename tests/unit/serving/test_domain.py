import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import FailedPrecondition
from services.kernel.values import BundleRef
from services.serving.domain import LeaseState, Service, ServiceState


def make() -> Service:
    return Service(id="svc-" + "1" * 26, name="numbers", bundle=BundleRef("a" * 64, 1, 1))


def place_all(service: Service) -> None:
    for lease in service.leases:
        if lease.state is LeaseState.WANTED:
            lease.state = LeaseState.PLACED


def drop_released(service: Service) -> None:
    service.leases = [lease for lease in service.leases if lease.state is not LeaseState.RELEASED]


def test_the_life_of_a_service() -> None:
    service = make()
    service.start(2)
    assert (service.state, service.desired_load) == (ServiceState.STARTING, 2)
    service.runs_with(2)
    assert (service.state, service.actual_load) == (ServiceState.RUNNING, 2)
    service.stop()
    assert (service.state, service.desired_load) == (ServiceState.STOPPING, 0)
    service.has_stopped()
    assert (service.state, service.actual_load) == (ServiceState.STOPPED, 0)
    assert service.pending == ["updated", "started", "updated", "stopped"]


def test_repeated_commands_change_nothing() -> None:
    service = make()
    service.stop()
    assert service.pending == []
    service.start(2)
    service.start(2)
    assert service.pending == ["updated"]
    service.runs_with(2)
    service.runs_with(2)
    assert service.pending == ["updated", "started"]


@pytest.mark.parametrize("state", [ServiceState.STOPPED, ServiceState.STOPPING, ServiceState.FAILED])
def test_only_what_runs_or_starts_is_scaled(state: ServiceState) -> None:
    service = make()
    service.state = state
    with pytest.raises(FailedPrecondition, match="start it with the load"):
        service.scale(3)


@pytest.mark.parametrize("state", [ServiceState.STARTING, ServiceState.RUNNING, ServiceState.STOPPING])
def test_only_a_settled_service_is_deleted(state: ServiceState) -> None:
    service = make()
    service.require_deletable()
    service.state = state
    with pytest.raises(FailedPrecondition, match="stop it"):
        service.require_deletable()


def test_a_failed_service_can_be_started_stopped_and_keeps_its_reason_until_then() -> None:
    service = make()
    service.start(1)
    service.fails("bad weights")
    assert (service.state, service.error, service.desired_load) == (ServiceState.FAILED, "bad weights", 0)
    service.has_stopped()
    assert service.state is ServiceState.FAILED
    service.start(1)
    assert (service.state, service.error) == (ServiceState.STARTING, "")


@given(st.lists(st.tuples(st.integers(0, 64), st.booleans()), min_size=1, max_size=12))
def test_leases_always_settle_on_exactly_the_wanted_load(changes: list[tuple[int, bool]]) -> None:
    service = make()
    for load, placed in changes:
        service.desired_load = load
        service.plan_leases()
        assert service.granted_load <= load
        numbers = [lease.number for lease in service.leases]
        assert len(set(numbers)) == len(numbers)
        if placed:
            place_all(service)
    for _ in range(3):
        place_all(service)
        service.plan_leases()
        drop_released(service)
    assert sum(lease.load for lease in service.leases) == service.desired_load
    assert service.granted_load == service.desired_load
    before = [lease.number for lease in service.leases]
    service.plan_leases()
    assert [lease.number for lease in service.leases] == before


@given(st.lists(st.integers(1, 64), min_size=1, max_size=8))
def test_what_runs_stays_covered_while_the_load_changes(loads: list[int]) -> None:
    service = make()
    for load in loads:
        before = service.granted_load
        service.desired_load = load
        service.plan_leases()
        assert service.granted_load >= min(before, load), "no lease is given back before its successor is there"
        place_all(service)
        service.plan_leases()
        drop_released(service)
        assert service.granted_load == load

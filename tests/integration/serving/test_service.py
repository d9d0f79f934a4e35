"""A model service from creation to deletion: real processes, broker, database, object store, scheduler and Triton."""

import base64
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from protos.scheduler.v1 import workload_pb2
from protos.serving.v1 import serving_pb2
from services.kernel.context import Caller, acting_as
from services.kernel.errors import DomainError, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from services.kernel.grpc.status import from_rpc_error
from services.kernel.traffic import MINUTE_S, REPORT_EVERY_S
from tests.integration.serving.platform import OWNER, Platform, State
from tests.support.images import png
from tests.support.polling import eventually
from tests.support.servers import Servers
from tests.support.triton import TritonProcess

RED = {"image": base64.b64encode(png((250, 5, 5))).decode()}
BLUE = {"image": base64.b64encode(png((5, 5, 250), size=(33, 9))).decode()}
EXITED = workload_pb2.Workload.STATE_EXITED


@pytest.fixture(scope="module")
def platform(
    servers: Servers, triton: TritonProcess, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    # The servers hold one database a service: one worker of the run at a time may have a scheduler.
    with (servers.instance.home / "scheduler.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = Platform(servers.environment, triton, models, tmp_path_factory.mktemp("serving"))
        made.start()
        yield made
        made.stop()


@pytest.fixture(scope="module")
def colours(platform: Platform) -> str:
    service_id = platform.create(platform.publish("colours", "image"))
    platform.begin(service_id, 2)
    platform.until(service_id, State.STATE_RUNNING, 2)
    return service_id


def answers(platform: Platform, service_id: str) -> bool:
    try:
        return platform.predict(service_id, RED).predictions[0].label == "red"
    except DomainError:
        return False


def test_it_runs_with_the_load_and_judges_images(platform: Platform, colours: str) -> None:
    found = platform.get(colours)
    assert found.address == f"/v2/models/{colours}"
    assert list(found.labels) == ["red", "green", "blue"], "the model's own order"
    response = platform.predict(colours, RED, BLUE)
    assert [prediction.label for prediction in response.predictions] == ["red", "blue"]
    assert sum(response.predictions[0].probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert response.model_number == "1.01"
    # The scheduler hears that the lease is used after the service is told to be running.
    eventually(lambda: platform.leases(colours)[0].state == workload_pb2.Workload.STATE_RUNNING, timeout=10)
    (lease,) = platform.leases(colours)
    assert lease.lease.resources.cpu_millis == 2 * platform.settings.instance_cpu_millis
    with acting_as(OWNER):
        resolved = platform.serving.ResolveService(serving_pb2.ResolveServiceRequest(id=colours))
    assert (resolved.triton_model, resolved.triton_grpc) == (colours, platform.triton.grpc)


def test_requests_are_counted_by_whoever_answers_them(platform: Platform, colours: str) -> None:
    def statistics() -> serving_pb2.ServiceStatistics:
        return platform.serving.GetServiceStatistics(serving_pb2.GetServiceStatisticsRequest(id=colours))

    def counted() -> tuple[int, int, int]:
        total = statistics().total
        return total.answered, total.refused, total.failed

    time.sleep(2 * REPORT_EVERY_S)
    with acting_as(OWNER):
        answered, refused, failed = counted()
        platform.predict(colours, RED, BLUE)
        with pytest.raises(InvalidArgument):
            platform.predict(colours, {"picture": "eA=="})
        eventually(lambda: counted() == (answered + 1, refused + 1, failed), timeout=10)
    # Another door says what it counted, a part of it twice and late.
    start = int(time.time()) // MINUTE_S * MINUTE_S
    for source, seen in (("door-1", 3), ("door-1", 5), ("door-1", 5), ("door-1", 3), ("door-2", 2)):
        cell = serving_pb2.TrafficCell(
            service_id=colours, start=start, width_s=MINUTE_S, answered=seen, steps={63: seen}
        )
        platform.serving.RecordTraffic(serving_pb2.RecordTrafficRequest(source=source, cells=[cell]))
    with acting_as(OWNER):
        assert counted() == (answered + 8, refused + 1, failed)
        found = statistics()
        assert (len(found.points), found.step_s) == (60, MINUTE_S)
        assert sum(point.answered for point in found.points) == found.total.answered
        assert 0 < found.total.p50_ms <= found.total.p95_ms <= found.total.p99_ms
        request = serving_pb2.RecordTrafficRequest(source="stranger")
        with pytest.raises(PermissionDenied):
            platform.serving.RecordTraffic(request)
    with acting_as(Caller("user-2")), pytest.raises(NotFound):
        statistics()


@pytest.mark.parametrize(
    ("instance", "field"),
    [
        ({"picture": "eA=="}, "instances[1].inputs.picture"),
        ({"image": "no base64"}, "instances[1].inputs.image"),
        ({"image": base64.b64encode(b"no image").decode()}, "instances[1].inputs.image"),
    ],
)
def test_wrong_inputs_are_named(platform: Platform, colours: str, instance: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        platform.predict(colours, RED, instance)
    assert caught.value.violations[0].field == field
    assert "expected" in caught.value.message


def test_a_killed_instance_is_replaced(platform: Platform, colours: str) -> None:
    for pid in platform.triton.stubs(f"{colours}/"):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: answers(platform, colours), 60, 0.2)
    platform.until(colours, State.STATE_RUNNING, 2)


def test_triton_killed_comes_back_with_its_models(platform: Platform, colours: str) -> None:
    platform.triton.kill()
    eventually(lambda: platform.get(colours).actual_load == 0, 30, 0.2)
    platform.triton.start()
    platform.until(colours, State.STATE_RUNNING, 2)
    assert answers(platform, colours)
    assert len(platform.leases(colours)) == 1 or platform.leases(colours)[0].state != EXITED


def test_control_killed_while_a_service_starts_goes_on(platform: Platform, colours: str) -> None:
    assert platform.control is not None
    service_id = platform.create(platform.publish("greetings", "text"))
    platform.begin(service_id, 1)
    eventually(lambda: platform.leases(service_id), 30)
    platform.control.kill()
    platform.start_control()
    platform.until(service_id, State.STATE_RUNNING, 1)
    assert len(platform.leases(service_id)) == 1
    found = platform.predict(service_id, {"text": "早上好"}, {"text": "how are you"})
    assert [prediction.label for prediction in found.predictions] == ["chinese", "english"]
    platform.end(service_id)
    platform.until(service_id, State.STATE_STOPPED, 0)


def test_scale_stop_start_again_delete(platform: Platform, colours: str) -> None:
    with acting_as(OWNER):
        platform.serving.ScaleService(serving_pb2.ScaleServiceRequest(id=colours, load=3))
    platform.until(colours, State.STATE_RUNNING, 3)
    eventually(lambda: len(platform.triton.stubs(f"{colours}/")) == 3, 30)  # those of the version before end after it
    with acting_as(OWNER), pytest.raises(FailedPrecondition, match="stop it"):
        platform.serving.DeleteService(serving_pb2.DeleteServiceRequest(id=colours))
    platform.end(colours)
    platform.until(colours, State.STATE_STOPPED, 0)
    assert all(lease.state == EXITED for lease in platform.leases(colours))
    assert not [path for path in platform.triton.repository.iterdir() if path.name.startswith(colours)]
    with pytest.raises(FailedPrecondition, match=":start"):
        platform.predict(colours, RED)
    platform.begin(colours, 1)
    assert platform.until(colours, State.STATE_RUNNING, 1).address == f"/v2/models/{colours}"
    platform.end(colours)
    platform.until(colours, State.STATE_STOPPED, 0)
    with acting_as(OWNER):
        platform.serving.DeleteService(serving_pb2.DeleteServiceRequest(id=colours))
        with pytest.raises(NotFound):
            platform.get(colours)


def test_a_spoilt_model_fails_with_the_reason_and_its_lease_is_released(platform: Platform) -> None:
    service_id = platform.create(platform.publish("colours", "image", spoil=True))
    platform.begin(service_id, 1)
    found = platform.until(service_id, State.STATE_FAILED, 0)
    assert "sha256" in found.error
    eventually(lambda: all(lease.state == EXITED for lease in platform.leases(service_id)))
    assert service_id not in {path.name for path in platform.triton.repository.iterdir()}


def test_orphans_are_removed(platform: Platform) -> None:
    orphan = platform.triton.repository / ("svc-" + "0" * 26)
    (orphan / "1").mkdir(parents=True)
    stranger = platform.triton.repository / "somebody-elses"
    stranger.mkdir(exist_ok=True)
    eventually(lambda: not orphan.exists(), 30)
    assert stranger.exists()


def test_watching_shows_each_state(platform: Platform) -> None:
    service_id = platform.create(platform.publish("greetings", "text"))
    with acting_as(OWNER):
        stream = platform.serving.WatchService(serving_pb2.WatchServiceRequest(id=service_id), timeout=90)
        states = [next(stream).state]
        platform.begin(service_id, 1)
        for service in stream:
            states.append(service.state)
            if service.state == State.STATE_RUNNING:
                break
        stream.cancel()
        with pytest.raises(Exception) as caught:
            next(platform.serving.WatchService(serving_pb2.WatchServiceRequest(id="svc-none"), timeout=10))
    assert isinstance(from_rpc_error(caught.value), NotFound)  # type: ignore[arg-type]
    assert states[0] == State.STATE_STOPPED
    assert State.STATE_STARTING in states
    assert states[-1] == State.STATE_RUNNING

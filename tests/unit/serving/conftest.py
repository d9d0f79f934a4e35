from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from services.kernel.context import Caller, acting_as
from services.kernel.entity import Visibility
from services.kernel.traffic import Tally
from services.kernel.values import BundleRef, Interface, InterfaceParameter
from services.serving.domain import ModelVersion, Service, ServiceState
from services.serving.handlers.instances import InstanceWatch
from services.serving.handlers.reconcile import CHECK_EVERY_S, Reconciler
from services.serving.handlers.services import CreateService, create_service, start_service
from tests.fakes.serving import LABELS, FakeAttention, FakeLeases, FakeLibrary, FakeProcesses, FakeServices, FakeTriton

OWNER = Caller("user-1", project="lab")
VERSION = ModelVersion(
    id="mv-1",
    model_id="m-1",
    model_name="digits",
    number="1.01",
    task_id="task-1",
    framework="onnx",
    bundle=BundleRef("a" * 64, 2, 1000),
    interface=Interface("classify", "POST", "json", (InterfaceParameter("image", "image"),)),
    labels=LABELS,
)


@dataclass
class World:
    """All of serving on fakes. `pass_by()` is one pass of the reconciler."""

    services: FakeServices = field(default_factory=FakeServices)
    attention: FakeAttention = field(default_factory=FakeAttention)
    library: FakeLibrary = field(default_factory=lambda: FakeLibrary({VERSION.id: VERSION}))
    scheduler: FakeLeases = field(default_factory=FakeLeases)
    triton: FakeTriton = field(default_factory=FakeTriton)
    processes: FakeProcesses = field(default_factory=FakeProcesses)
    traffic: Tally = field(default_factory=Tally)
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.restart_control()

    def restart_control(self) -> None:
        def transaction(work: Callable[[], None]) -> None:
            work()

        self.reconciler = Reconciler(
            self.services,
            self.attention,
            self.scheduler,
            self.triton,
            self.triton,
            InstanceWatch(self.processes, lambda: self.now),
            transaction,
            clock=lambda: self.now,
        )

    def pass_by(self, times: int = 1) -> None:
        for _ in range(times):
            self.reconciler.run_once()

    def later(self) -> None:
        """Time goes by until the next check of what runs is due."""
        self.now += CHECK_EVERY_S

    def create(self, version: str = VERSION.id) -> Service:
        return create_service(CreateService("numbers", "", version, Visibility.PRIVATE), self.services, self.library)

    def now_of(self, service: Service) -> Service:
        return self.services.get(service.id)


@pytest.fixture
def world() -> Iterator[World]:
    with acting_as(OWNER):
        yield World()


def running(world: World, load: int = 2) -> Service:
    service = world.create()
    start_service(service.id, load, world.services)
    world.pass_by(2)
    found = world.now_of(service)
    assert (found.state, found.actual_load) == (ServiceState.RUNNING, load)
    return found

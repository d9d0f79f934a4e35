"""Fakes of what serving needs of the outside."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.kernel.errors import Conflict, NotFound, Unavailable
from services.kernel.pages import Page
from services.kernel.values import BundleRef
from services.serving.domain import ModelRejected, ModelVersion, ServedModel, Service
from services.serving.naming import entry_names
from services.serving.ports import Answer, LeaseRequest, ModelState, WorkloadState, WorkloadView

LABELS = ("red", "green", "blue")


class FakeServices:
    """Stored services in memory, with the repository's rule: a save needs the version that was read."""

    def __init__(self) -> None:
        self.stored: dict[str, Service] = {}
        self.events: list[str] = []

    def get(self, entity_id: str) -> Service:
        if entity_id not in self.stored:
            raise NotFound(f"There is no service {entity_id!r}.")
        return copy.deepcopy(self.stored[entity_id])

    def find_one(self, **equals: object) -> Service | None:
        found = self.stored.get(str(equals["id"]))
        return copy.deepcopy(found)

    def unsettled(self) -> list[Service]:
        return [copy.deepcopy(service) for service in self.stored.values() if not service.is_settled]

    def add(self, entity: Service) -> None:
        self._store(entity)

    def save(self, entity: Service) -> None:
        if entity.id not in self.stored or self.stored[entity.id].version != entity.version:
            raise Conflict("changed meanwhile", reason="VERSION_CONFLICT")
        entity.version += 1
        self._store(entity)

    def delete(self, entity: Service) -> None:
        self.events += entity.pending
        del self.stored[entity.id]

    def page(self, query: Mapping[str, object], *, page_size: int, page_token: str) -> Page[Service]:
        return Page(list(self.stored.values()), "", len(self.stored))

    def _store(self, entity: Service) -> None:
        self.events += entity.pending
        entity.pending.clear()
        self.stored[entity.id] = copy.deepcopy(entity)


class FakeAttention:
    def __init__(self) -> None:
        self.called: set[str] = set()

    def call(self, service_id: str) -> None:
        self.called.add(service_id)

    def take(self) -> set[str]:
        taken, self.called = self.called, set()
        return taken


@dataclass
class FakeLibrary:
    versions: dict[str, ModelVersion] = field(default_factory=dict)

    def version(self, version_id: str) -> ModelVersion:
        if version_id not in self.versions:
            raise NotFound(f"There is no model version {version_id!r}.")
        return self.versions[version_id]


@dataclass
class FakeWorkload:
    request: LeaseRequest
    state: WorkloadState = WorkloadState.PENDING
    fence: int = 0
    running: bool = False


class FakeLeases:
    """A scheduler that places at once while `capacity` instances last; `away` makes every call fail."""

    def __init__(self, capacity: int = 8) -> None:
        self.capacity = capacity
        self.workloads: dict[str, FakeWorkload] = {}
        self.away = False
        self.fence = 0

    @property
    def used(self) -> int:
        held = (WorkloadState.PLACED, WorkloadState.STOPPING)
        return sum(workload.request.load for workload in self.workloads.values() if workload.state in held)

    def request(self, lease: LeaseRequest) -> WorkloadView:
        self._reach()
        self.workloads.setdefault(f"wl-{lease.name}", FakeWorkload(lease))
        return self.look(f"wl-{lease.name}")

    def look(self, workload_id: str) -> WorkloadView:
        self._reach()
        if workload_id not in self.workloads:
            raise NotFound("gone")
        workload = self.workloads[workload_id]
        if workload.state is WorkloadState.PENDING and self.used + workload.request.load <= self.capacity:
            self.fence += 1
            workload.state, workload.fence = WorkloadState.PLACED, self.fence
        message = "Waits for 1 more instance." if workload.state is WorkloadState.PENDING else ""
        return WorkloadView(workload_id, workload.state, workload.fence, message)

    def report_running(self, workload_id: str, fence: int) -> bool:
        self._reach()
        workload = self.workloads[workload_id]
        workload.running = workload.fence == fence
        return workload.running

    def release(self, workload_id: str, *, cancelled: bool) -> None:
        self._reach()
        self.workloads[workload_id].state = WorkloadState.CANCELLED if cancelled else WorkloadState.ENDED

    def _reach(self) -> None:
        if self.away:
            raise Unavailable("the scheduler does not answer")


class FakeTriton:
    """Entries and models. `running` is what answers, by service and number of instances; `fatal` models end Triton."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[BundleRef, int]] = {}
        self.running: dict[str, int] = {}
        self.dead: set[str] = set()
        self.away = False
        self.rejects = ""
        self.fatal: set[str] = set()
        self.loads: list[str] = []
        self.asked: list[tuple[str, Mapping[str, Sequence[bytes]]]] = []
        self._refreshed: set[str] = set()

    def restart(self) -> None:
        """As after kill -9: the entries are there, nothing is loaded."""
        self.running.clear()
        self.dead.clear()

    # Entries

    def services(self) -> set[str]:
        return set(self.entries)

    def names(self, service_id: str) -> Sequence[str]:
        return entry_names(service_id) if service_id in self.entries else ()

    def write(self, service_id: str, bundle: BundleRef, load: int) -> ServedModel:
        self.entries[service_id] = (bundle, load)
        return ServedModel(("image",), LABELS)

    def remove(self, service_id: str) -> None:
        self.entries.pop(service_id, None)

    def refresh(self, service_id: str) -> None:
        self._refreshed.add(service_id)

    # Inference

    def states(self) -> Mapping[str, ModelState]:
        self._reach()
        return {name: ModelState.READY for service in self.running for name in entry_names(service)}

    def load(self, model: str) -> None:
        self._reach()
        self.loads.append(model)
        if model in self.fatal:
            self.restart()
            raise Unavailable("Triton ended during the call", reason="TRITON_ENDED")
        if self.rejects:
            raise ModelRejected(self.rejects)
        if model in self._refreshed:
            self.dead.discard(model)
            self._refreshed.discard(model)
        self.running[model] = self.entries[model][1]

    def unload(self, model: str) -> None:
        self._reach()
        self.running.pop(model, None)

    def infer(self, model: str, inputs: Mapping[str, Sequence[bytes]]) -> list[Answer]:
        self._reach()
        self.asked.append((model, inputs))
        if model not in self.running:
            raise Unavailable("not loaded", reason="MODEL_NOT_LOADED")
        if model in self.dead:
            raise Unavailable("dead", reason="INSTANCE_DEAD")
        rows = len(next(iter(inputs.values())))
        return [Answer("green", 0.8, (0.1, 0.8, 0.1)) for _ in range(rows)]

    def _reach(self) -> None:
        if self.away:
            raise Unavailable("Triton does not answer", reason="TRITON_UNAVAILABLE")


@dataclass
class FakeProcesses:
    """Triton's processes by service; `ended` are those that were killed."""

    running: dict[int, str] = field(default_factory=dict)
    ended: list[int] = field(default_factory=list)

    def serving(self) -> Mapping[int, str]:
        return dict(self.running)

    def end(self, pid: int) -> None:
        del self.running[pid]
        self.ended.append(pid)

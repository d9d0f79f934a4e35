"""The service aggregate: a published model that answers, its wanted load and the leases it runs on."""

from dataclasses import dataclass, field
from enum import StrEnum

from services.kernel.entity import Entity
from services.kernel.errors import FailedPrecondition
from services.kernel.values import BundleRef, Interface

MAX_LOAD = 64


class ModelRejected(Exception):
    """The model cannot be served; the message names what is wrong and what was expected."""


class ServiceState(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True)
class ModelVersion:
    """What a service needs of a version of the model library."""

    id: str
    model_id: str
    model_name: str
    number: str
    task_id: str
    framework: str
    bundle: BundleRef
    interface: Interface
    labels: tuple[str, ...]


@dataclass(frozen=True)
class ServedModel:
    """What the model folder itself says: the parameters that it takes, the labels in the order of its answers."""

    inputs: tuple[str, ...]
    labels: tuple[str, ...]


class LeaseState(StrEnum):
    """`wanted` until the scheduler placed it, `released` until the scheduler knows that it is not used any more."""

    WANTED = "wanted"
    PLACED = "placed"
    RELEASED = "released"


@dataclass
class Lease:
    """Resources for `load` instances, asked for as workload `<service>/<number>`.

    A `replacing` lease takes the place of all older ones as soon as it is placed: that is how a service shrinks.
    The scheduler may know one that was `asked` for, although its answer never came; stored ones count as asked for.
    """

    number: int
    load: int
    state: LeaseState = LeaseState.WANTED
    replacing: bool = False
    asked: bool = True
    workload_id: str = ""
    fence: int = 0
    reported: bool = False
    cancelled: bool = False


@dataclass(kw_only=True)
class Service(Entity):
    """`desired_load` is what people want, `actual_load` what Triton runs; the reconciler brings them together.

    `crashes` counts how often in a row Triton ended while it loaded the model, `traceparent` is the trace of whoever
    started or scaled it.
    """

    name: str
    description: str = ""
    model_version_id: str = ""
    model_id: str = ""
    model_name: str = ""
    model_number: str = ""
    task_id: str = ""
    framework: str = ""
    bundle: BundleRef
    interface: Interface = field(default_factory=Interface)
    labels: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    state: ServiceState = ServiceState.STOPPED
    desired_load: int = 0
    actual_load: int = 0
    error: str = ""
    waiting_reason: str = ""
    leases: list[Lease] = field(default_factory=list)
    lease_number: int = 0
    healing_attempts: int = 0
    crashes: int = 0
    traceparent: str = ""

    @property
    def related_ids(self) -> dict[str, str]:
        return {"task_id": self.task_id}

    @property
    def address(self) -> str:
        """Below the platform's address; the same for the whole life of the service."""
        return f"/v2/models/{self.id}"

    @property
    def is_settled(self) -> bool:
        """Nothing runs and nothing is left to clean up."""
        return self.state in (ServiceState.STOPPED, ServiceState.FAILED) and not self.leases and not self.actual_load

    def start(self, load: int) -> None:
        """Want `load` instances. Repeating it changes the load at most."""
        if self.state in (ServiceState.STARTING, ServiceState.RUNNING):
            self._want(load)
            return
        self.state = ServiceState.STARTING
        self.desired_load = load
        self.error, self.waiting_reason, self.healing_attempts, self.crashes = "", "", 0, 0
        self.happened("updated")

    def scale(self, load: int) -> None:
        """Change the load of a service that runs or starts."""
        if self.state not in (ServiceState.STARTING, ServiceState.RUNNING):
            raise FailedPrecondition(
                f"{self.id} is {self.state}; start it with the load that you want.", reason="SERVICE_NOT_RUNNING"
            )
        self._want(load)

    def stop(self) -> None:
        """Want no instance. A service that is stopped stays as it is."""
        if self.state in (ServiceState.STOPPED, ServiceState.STOPPING):
            return
        self.state = ServiceState.STOPPING
        self.desired_load = 0
        self.waiting_reason = ""
        self.happened("updated")

    def require_deletable(self) -> None:
        if not self.is_settled:
            raise FailedPrecondition(
                f"{self.id} is {self.state}; stop it and wait until it is stopped, then delete it.",
                reason="SERVICE_NOT_STOPPED",
            )

    def runs_with(self, load: int) -> None:
        """Triton answers with `load` instances."""
        if self.state in (ServiceState.STARTING, ServiceState.STOPPED, ServiceState.FAILED):
            self.state = ServiceState.RUNNING
            self.happened("started")
        elif self.actual_load != load:
            self.happened("updated")
        self.actual_load = load
        self.error, self.healing_attempts, self.crashes = "", 0, 0
        if load >= self.desired_load:
            self.waiting_reason = ""

    def waits(self, reason: str) -> None:
        self.waiting_reason = reason

    def is_interrupted(self, reason: str) -> None:
        """Triton does not have the model at the moment; it is loaded again as soon as that is possible."""
        if self.actual_load:
            self.actual_load = 0
            self.happened("updated")
        self.waiting_reason = reason

    def lost_its_leases(self) -> None:
        """It may not run until it has resources again."""
        self.is_interrupted("Waits for resources again: the lease that it ran on is gone.")
        if self.state is ServiceState.RUNNING:
            self.state = ServiceState.STARTING

    def fails(self, error: str) -> None:
        """It cannot be loaded. Nothing is wanted any more until it is started again."""
        self.state = ServiceState.FAILED
        self.error = error
        self.desired_load = self.actual_load = 0
        self.waiting_reason = ""
        self.happened("failed")

    def has_stopped(self) -> None:
        """Triton has unloaded it and every lease is released."""
        self.actual_load = 0
        self.waiting_reason = ""
        if self.state is not ServiceState.FAILED:
            self.state = ServiceState.STOPPED
            self.happened("stopped")

    def _want(self, load: int) -> None:
        if load != self.desired_load:
            self.desired_load = load
            self.happened("updated")

    # Leases

    @property
    def granted_load(self) -> int:
        """Instances for which there are resources, at most as many as are wanted."""
        return min(self.desired_load, sum(lease.load for lease in self.leases if lease.state is LeaseState.PLACED))

    def lease_of(self, workload_id: str) -> Lease | None:
        return next((lease for lease in self.leases if workload_id and lease.workload_id == workload_id), None)

    def plan_leases(self) -> None:
        """Bring the leases in line with the wanted load: ask for more, replace by less, release."""
        self._apply_replacement()
        for lease in self.leases:
            if self.desired_load == 0 or (lease.replacing and lease.load != self.desired_load):
                lease.state = LeaseState.RELEASED
        kept = [lease for lease in self.leases if lease.state is not LeaseState.RELEASED and not lease.replacing]
        surplus = sum(lease.load for lease in kept) - self.desired_load
        for lease in sorted(kept, key=lambda one: (one.state is LeaseState.PLACED, -one.number)):
            if surplus >= lease.load:
                lease.state = LeaseState.RELEASED
                surplus -= lease.load
        if surplus < 0:
            self._ask(-surplus, replacing=False)
        elif surplus > 0 and not any(lease.replacing and lease.state is LeaseState.WANTED for lease in self.leases):
            self._ask(self.desired_load, replacing=True)
        elif surplus == 0:
            self._drop_replacements()

    def _apply_replacement(self) -> None:
        for new in self.leases:
            if new.replacing and new.state is LeaseState.PLACED:
                new.replacing = False
                for old in self.leases:
                    if old.number < new.number:
                        old.state = LeaseState.RELEASED

    def _drop_replacements(self) -> None:
        for lease in self.leases:
            if lease.replacing:
                lease.state = LeaseState.RELEASED

    def _ask(self, load: int, *, replacing: bool) -> None:
        self.lease_number += 1
        self.leases.append(Lease(number=self.lease_number, load=load, replacing=replacing, asked=False))

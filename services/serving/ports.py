"""What the use cases need of the outside."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from services.kernel.pages import Page
from services.kernel.values import BundleRef
from services.serving.domain import ModelVersion, ServedModel, Service


class ServiceReader(Protocol):
    def get(self, entity_id: str) -> Service: ...


class Services(Protocol):
    """Stored services; see `kernel.storage.documents.Repository`."""

    def get(self, entity_id: str) -> Service: ...
    def find_one(self, **equals: object) -> Service | None: ...

    def unsettled(self) -> list[Service]:
        """Those that run, should run, or have something left to clean up."""

    def add(self, entity: Service) -> None: ...
    def save(self, entity: Service) -> None: ...
    def delete(self, entity: Service) -> None: ...
    def page(self, query: Mapping[str, object], *, page_size: int, page_token: str) -> Page[Service]: ...


class Attention(Protocol):
    """Calls for the reconciler to look at a service at once; kept beside it, so that no save is upset."""

    def call(self, service_id: str) -> None: ...

    def take(self) -> set[str]:
        """The services that were called for since the last time."""


class Traffic(Protocol):
    def counting(self, subject: str) -> AbstractContextManager[object]:
        """Count one inference request to the service, how it ends and how long it takes."""


class ModelLibrary(Protocol):
    def version(self, version_id: str) -> ModelVersion:
        """A version that the caller may see. Raises NotFound."""


class WorkloadState(StrEnum):
    PENDING = "pending"
    PLACED = "placed"
    STOPPING = "stopping"
    CANCELLED = "cancelled"
    LOST = "lost"
    ENDED = "ended"


@dataclass(frozen=True)
class WorkloadView:
    """What the scheduler says of one lease; `message` is why it waits or how it ended."""

    id: str
    state: WorkloadState
    fence: int = 0
    message: str = ""


@dataclass(frozen=True)
class LeaseRequest:
    """`name` is the idempotency key: one workload a name, for ever."""

    name: str
    title: str
    subject: str
    load: int
    owner: str
    project: str


class Scheduler(Protocol):
    """Leases of the engine `triton`. Every method raises Unavailable when the scheduler does not answer."""

    def request(self, lease: LeaseRequest) -> WorkloadView: ...
    def look(self, workload_id: str) -> WorkloadView: ...

    def report_running(self, workload_id: str, fence: int) -> bool:
        """False when the lease is not ours any more."""

    def release(self, workload_id: str, *, cancelled: bool) -> None:
        """Give the resources back, or withdraw the request. One that is gone or ended is fine.

        Raises Unavailable also when it changed meanwhile: repeat.
        """


class ModelState(StrEnum):
    READY = "ready"
    ABSENT = "absent"
    BUSY = "busy"


@dataclass(frozen=True)
class Answer:
    """`probabilities` has a number for each label, in the order of the model."""

    label: str
    confidence: float
    probabilities: tuple[float, ...]


class Inference(Protocol):
    """Triton. Every method raises Unavailable when it does not answer."""

    def states(self) -> Mapping[str, ModelState]:
        """Every model of the repository by name."""

    def load(self, model: str) -> None:
        """Load or reload, with all that an ensemble needs.

        Raises ModelRejected with Triton's reason, Unavailable with the reason TRITON_ENDED when it ended meanwhile.
        """

    def unload(self, model: str) -> None:
        """Begin to unload, with all that an ensemble needs; nothing happens when it is not loaded."""

    def infer(self, model: str, inputs: Mapping[str, Sequence[bytes]]) -> list[Answer]:
        """One answer a row.

        Raises InvalidArgument (field `instances[row].inputs.name`), Unavailable (reason MODEL_NOT_LOADED or
        INSTANCE_DEAD: repeat after healing), DeadlineExceeded, Internal.
        """


class Processes(Protocol):
    """Triton's processes where this machine runs them; empty where it does not."""

    def serving(self) -> Mapping[int, str]:
        """The service of each process that is an instance of one of its steps."""

    def end(self, pid: int) -> None:
        """Kill it, if it is still one of those."""


class Entries(Protocol):
    """Triton's model repository."""

    def services(self) -> set[str]:
        """Services of which there is any entry, complete or not."""

    def names(self, service_id: str) -> Sequence[str]:
        """The models that have to be loaded for the service; none when its entry is not complete."""

    def write(self, service_id: str, bundle: BundleRef, load: int) -> ServedModel:
        """Make the entry from the bundle for `load` instances, unless it is so already.

        Raises ModelRejected, Unavailable when the object store does not answer.
        """

    def remove(self, service_id: str) -> None: ...

    def refresh(self, service_id: str) -> None:
        """Have the next load start every instance anew, although nothing changed."""

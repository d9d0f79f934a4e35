"""What the use cases need from outside."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from services.algorithm.domain import Algorithm, Definition
from services.kernel.pages import Page
from services.kernel.values import BundleRef

T = TypeVar("T")


@dataclass(frozen=True)
class AlgorithmFilter:
    """Which algorithms to list; an empty field does not restrict."""

    purpose: str = ""
    online: bool = False
    name: str = ""


class Algorithms(Protocol):
    """The stored algorithms. Saving writes the events that happened in the same transaction."""

    def get(self, algorithm_id: str) -> Algorithm:
        """Raises NotFound."""

    def get_for_change(self, algorithm_id: str, etag: str) -> Algorithm:
        """Raises NotFound, and Conflict when `etag` is not empty and not the present one."""

    def preset_named(self, name: str) -> Algorithm | None: ...

    def add(self, entity: Algorithm) -> None:
        """Raises AlreadyExists when its owner has another of that name."""

    def save(self, entity: Algorithm) -> None: ...

    def delete(self, entity: Algorithm) -> None: ...

    def listed(self, wanted: AlgorithmFilter, page_size: int, page_token: str) -> Page[Algorithm]:
        """A page of what the caller may see, newest first."""


@dataclass(frozen=True)
class Upload:
    """A finished upload; `size` in bytes."""

    filename: str
    size: int


class Uploads(Protocol):
    def find(self, upload_id: str) -> Upload:
        """Raises NotFound when there is none, it is not finished, or it belongs to somebody else."""

    def spool(self, upload_id: str, target: Path) -> None: ...

    def delete(self, upload_id: str) -> None:
        """Remove it once the running transaction has committed."""


class Packaging(Protocol):
    """Folders of algorithms."""

    def read(self, folder: Path) -> Definition:
        """Check `algorithm.yaml`. Raises InvalidArgument with a violation for each fault."""

    def store(self, folder: Path) -> BundleRef:
        """Store the runnable folder: the algorithm's files and the SDK."""

    def presets(self) -> Iterable[Path]:
        """The folders of the algorithms that come with the platform."""


class Workspace(Protocol):
    def scratch(self) -> AbstractContextManager[Path]: ...


class Transaction(Protocol):
    def __call__(self, work: Callable[[], T]) -> T:
        """Run `work`, perhaps several times, with all its writes or none."""


@dataclass(frozen=True)
class Ports:
    """Everything the handlers are given."""

    algorithms: Algorithms
    uploads: Uploads
    packaging: Packaging
    workspace: Workspace
    transaction: Transaction

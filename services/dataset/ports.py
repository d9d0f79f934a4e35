"""What the use cases need from outside."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from services.dataset.domain import Dataset, ImportProgress, Placed, Sample, SampleContent, State, VersionRecord
from services.kernel.pages import Page
from services.kernel.problems import Problems
from services.kernel.values import BundleRef

T = TypeVar("T")

StoredFile = tuple[str, bytes, dict[str, object]]
"""Path, content, and what the index says about it."""


@dataclass(frozen=True)
class DatasetFilter:
    """Which data sets to list; an empty field does not restrict."""

    state: State | None = None
    online: bool = False
    purpose: str = ""


class Datasets(Protocol):
    """The stored data sets. Saving writes the events that happened in the same transaction."""

    def get(self, dataset_id: str) -> Dataset:
        """Raises NotFound."""

    def get_for_change(self, dataset_id: str, etag: str) -> Dataset:
        """Raises NotFound, and Conflict when `etag` is not empty and not the present one."""

    def add(self, entity: Dataset) -> None:
        """Raises AlreadyExists when the owner has a data set of this name."""

    def save(self, entity: Dataset) -> None: ...

    def delete(self, entity: Dataset) -> None: ...

    def listed(self, wanted: DatasetFilter, page_size: int, page_token: str) -> Page[Dataset]:
        """A page of what the caller may see, newest first."""

    def note_progress(self, dataset_id: str, import_id: str, progress: ImportProgress) -> None:
        """Show progress while this import runs; changes neither etag nor events."""


class Versions(Protocol):
    def add(self, entity: VersionRecord) -> None: ...

    def get(self, entity_id: str) -> VersionRecord:
        """Raises NotFound."""

    def delete_of(self, dataset_id: str) -> None: ...


class ImportJob(Protocol):
    """Work that is claimed by one worker at a time."""

    @property
    def id(self) -> str: ...

    @property
    def subject(self) -> str: ...


@dataclass(frozen=True)
class ImportOrder:
    """What an import works on."""

    dataset_id: str
    upload_id: str
    test_upload_id: str


class ImportJobs(Protocol):
    def add(self, order: ImportOrder) -> str:
        """Note the work in the running transaction; gives its id."""

    def order(self, job: ImportJob) -> ImportOrder: ...

    def finish(self, job: ImportJob) -> None:
        """Raises Conflict when another worker has the job now."""

    def fail(self, job: ImportJob, error: str) -> None: ...


@dataclass(frozen=True)
class Upload:
    """A finished upload; `size` in bytes."""

    id: str
    owner: str
    filename: str
    size: int


class Uploads(Protocol):
    def find(self, upload_id: str) -> Upload:
        """Raises NotFound when there is none, it is not finished, or it belongs to somebody else."""

    def spool(self, upload_id: str, target: Path, progress: Callable[[int], None]) -> None:
        """Copy the content to a local file; `progress` hears the bytes done."""

    def delete(self, upload_id: str) -> None: ...


class Bundles(Protocol):
    def write(self, files: Iterable[StoredFile]) -> BundleRef: ...

    def samples(self, ref: BundleRef) -> Iterable[Sample]:
        """In the order in which they were stored."""

    def content(self, ref: BundleRef, path: str) -> bytes:
        """The verified bytes of one sample. Raises NotFound."""

    def put_file(self, path: Path) -> str:
        """Store a file by its content; gives its SHA-256."""


class Workspace(Protocol):
    def scratch(self) -> AbstractContextManager[Path]: ...


@dataclass
class Layout:
    """The files of an archive by what they are to become; `problems` of the archive as a whole."""

    placed: dict[str, Placed] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)


class Format(Protocol):
    """A layout of archives. One implementation a file in `formats/`."""

    name: str
    kinds: tuple[str, ...]

    def lay_out(self, kind: str, paths: Sequence[str], folders: Iterable[str]) -> Layout:
        """Give every file its place and class, from names alone."""

    def read(self, kind: str, path: str, content: bytes) -> SampleContent:
        """Check one sample and bring it into the standard. Raises Refused."""


class Formats(Protocol):
    def find(self, name: str) -> Format | None: ...


class Transaction(Protocol):
    def __call__(self, work: Callable[[], T]) -> T:
        """Run `work`, perhaps several times, with all its writes or none."""


@dataclass(frozen=True)
class Ports:
    """Everything the handlers are given."""

    datasets: Datasets
    versions: Versions
    jobs: ImportJobs
    uploads: Uploads
    bundles: Bundles
    formats: Formats
    workspace: Workspace
    transaction: Transaction

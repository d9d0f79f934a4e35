"""The data-set service's ports in memory; uploads and bundles are the real adapters over the fake object store."""

import copy
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from services.dataset.adapters.content import StoredBundles, StoredUploads
from services.dataset.domain import Dataset, ImportProgress, VersionRecord
from services.dataset.formats import Registry
from services.dataset.ports import DatasetFilter, ImportJob, ImportOrder, Ports
from services.kernel.context import current_caller
from services.kernel.errors import AlreadyExists, Conflict, NotFound
from services.kernel.pages import Page
from services.kernel.rights import can_see
from services.kernel.storage import uploads
from tests.fakes.object_store import FakeStore

T = TypeVar("T")


@dataclass
class FakeDatasets:
    stored: dict[str, Dataset] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    progress: list[ImportProgress] = field(default_factory=list)

    def get(self, dataset_id: str) -> Dataset:
        if dataset_id not in self.stored:
            raise NotFound(f"There is no data set {dataset_id}.")
        return copy.deepcopy(self.stored[dataset_id])

    def get_for_change(self, dataset_id: str, etag: str) -> Dataset:
        dataset = self.get(dataset_id)
        if etag and etag != dataset.etag:
            raise Conflict("changed", reason="ETAG_MISMATCH")
        return dataset

    def add(self, entity: Dataset) -> None:
        if any((other.owner, other.name) == (entity.owner, entity.name) for other in self.stored.values()):
            raise AlreadyExists(f"There is already {entity.name}.")
        self._keep(entity)

    def save(self, entity: Dataset) -> None:
        if self.stored[entity.id].version != entity.version:
            raise Conflict("changed", reason="VERSION_CONFLICT")
        self._keep(entity)

    def delete(self, entity: Dataset) -> None:
        del self.stored[entity.id]
        self.events += entity.pending

    def listed(self, wanted: DatasetFilter, page_size: int, page_token: str) -> Page[Dataset]:
        found = [dataset for dataset in self.stored.values() if can_see(dataset, current_caller())]
        return Page(found, "", len(found))

    def note_progress(self, dataset_id: str, import_id: str, progress: ImportProgress) -> None:
        self.progress.append(progress)

    def _keep(self, entity: Dataset) -> None:
        self.events += entity.pending
        entity.pending.clear()
        entity.version += 1
        self.stored[entity.id] = copy.deepcopy(entity)


@dataclass
class FakeVersions:
    stored: dict[str, VersionRecord] = field(default_factory=dict)

    def add(self, entity: VersionRecord) -> None:
        if entity.id in self.stored:
            raise AlreadyExists(entity.id)
        self.stored[entity.id] = entity

    def get(self, entity_id: str) -> VersionRecord:
        if entity_id not in self.stored:
            raise NotFound(entity_id)
        return self.stored[entity_id]

    def delete_of(self, dataset_id: str) -> None:
        self.stored = {key: record for key, record in self.stored.items() if record.dataset != dataset_id}


@dataclass(frozen=True)
class FakeJob:
    id: str
    subject: str


@dataclass
class FakeJobs:
    """`lost` makes the job somebody else's at its end."""

    orders: dict[str, ImportOrder] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    lost: bool = False

    def add(self, order: ImportOrder) -> str:
        job_id = f"job-{len(self.orders) + 1}"
        self.orders[job_id] = order
        return job_id

    def newest(self) -> FakeJob:
        job_id = next(reversed(self.orders))
        return FakeJob(job_id, self.orders[job_id].dataset_id)

    def order(self, job: ImportJob) -> ImportOrder:
        return self.orders[job.id]

    def finish(self, job: ImportJob) -> None:
        self._end(job, "done")

    def fail(self, job: ImportJob, error: str) -> None:
        self._end(job, error)

    def _end(self, job: ImportJob, how: str) -> None:
        if self.lost:
            raise Conflict("another worker has it", reason="CLAIM_LOST")
        self.ended[job.id] = how


class FakeWorkspace:
    @contextmanager
    def scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


class FakeTransaction:
    """Undoes what the fakes hold when `work` raises."""

    def __init__(self, datasets: FakeDatasets, versions: FakeVersions) -> None:
        self._parts = (datasets, versions)

    def __call__(self, work: Callable[[], T]) -> T:
        before = [copy.deepcopy(part.__dict__) for part in self._parts]
        try:
            return work()
        except BaseException:
            for part, state in zip(self._parts, before, strict=True):
                part.__dict__.update(state)
            raise


class FakeDatasetPorts:
    """All ports, and the fakes behind them."""

    def __init__(self) -> None:
        self.datasets, self.versions, self.jobs = FakeDatasets(), FakeVersions(), FakeJobs()
        self.store = FakeStore()
        self._uploads = itertools.count(1)
        self.ports = Ports(
            datasets=self.datasets,
            versions=self.versions,
            jobs=self.jobs,
            uploads=StoredUploads(self.store),
            bundles=StoredBundles(self.store),
            formats=Registry(),
            workspace=FakeWorkspace(),
            transaction=FakeTransaction(self.datasets, self.versions),
        )

    def upload(self, content: bytes, *, owner: str, filename: str = "data.zip") -> str:
        upload_id = f"up-{next(self._uploads)}"
        if content:
            uploads.put_part(self.store, upload_id, 0, content)
        uploads.complete(self.store, upload_id, owner=owner, filename=filename, size=len(content))
        return upload_id

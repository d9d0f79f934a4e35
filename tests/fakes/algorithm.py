"""The algorithm service's ports in memory; uploads and packages are the real adapters over the fake object store."""

import copy
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from services.algorithm.adapters.packages import StoredPackages
from services.algorithm.adapters.uploads import StoredUploads
from services.algorithm.domain import PLATFORM, Algorithm
from services.algorithm.ports import AlgorithmFilter, Ports
from services.kernel.context import current_caller
from services.kernel.errors import AlreadyExists, Conflict, NotFound
from services.kernel.pages import Page
from services.kernel.rights import can_see
from services.kernel.storage import uploads
from tests.fakes.dataset import FakeWorkspace
from tests.fakes.object_store import FakeStore

T = TypeVar("T")


@dataclass
class FakeAlgorithms:
    stored: dict[str, Algorithm] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def get(self, algorithm_id: str) -> Algorithm:
        if algorithm_id not in self.stored:
            raise NotFound(f"There is no algorithm {algorithm_id}.")
        return copy.deepcopy(self.stored[algorithm_id])

    def get_for_change(self, algorithm_id: str, etag: str) -> Algorithm:
        algorithm = self.get(algorithm_id)
        if etag and etag != algorithm.etag:
            raise Conflict("changed", reason="ETAG_MISMATCH")
        return algorithm

    def preset_named(self, name: str) -> Algorithm | None:
        found = (other for other in self.stored.values() if (other.owner, other.name) == (PLATFORM, name))
        return copy.deepcopy(next(found, None))

    def add(self, entity: Algorithm) -> None:
        taken = {(other.project, other.owner, other.name) for other in self.stored.values()}
        if (entity.project, entity.owner, entity.name) in taken:
            raise AlreadyExists(f"There is already {entity.name}.")
        self.save(entity)

    def save(self, entity: Algorithm) -> None:
        self.events += entity.pending
        entity.pending.clear()
        entity.version += 1
        self.stored[entity.id] = copy.deepcopy(entity)

    def delete(self, entity: Algorithm) -> None:
        del self.stored[entity.id]
        self.events += entity.pending

    def listed(self, wanted: AlgorithmFilter, page_size: int, page_token: str) -> Page[Algorithm]:
        found = [other for other in self.stored.values() if can_see(other, current_caller())]
        return Page(found, "", len(found))


class FakeTransaction:
    def __call__(self, work: Callable[[], T]) -> T:
        return work()


class FakeAlgorithmPorts:
    """All ports, and the fakes behind them."""

    def __init__(self, presets: Iterable[Path] | None = None) -> None:
        self.algorithms, self.store = FakeAlgorithms(), FakeStore()
        self._uploads = itertools.count(1)
        self.ports = Ports(
            algorithms=self.algorithms,
            uploads=StoredUploads(self.store),
            packaging=StoredPackages(self.store, presets),
            workspace=FakeWorkspace(),
            transaction=FakeTransaction(),
        )

    def upload(self, content: bytes, *, owner: str = "ann", filename: str = "algorithm.zip") -> str:
        upload_id = f"up-{next(self._uploads)}"
        for at in range(0, len(content), 2**24):
            uploads.put_part(self.store, upload_id, at, content[at : at + 2**24])
        uploads.complete(self.store, upload_id, owner=owner, filename=filename, size=len(content))
        return upload_id

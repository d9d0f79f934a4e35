"""Mark and sweep over the object store.

Safe, because an object goes only when: every service has named everything that it needs; it is older than the grace
period, and whoever uses old content again writes it again (`blobs.put_object`), so that it is young; and an earlier
collection, at least the quarantine before, did not find a reference either, so that a reference on its way from one
service to another is found in one of them. It goes under the control lease, one batch at a time. Killed anywhere, the
next one begins anew.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from services.gateway.garbage import models
from services.gateway.garbage.marks import SHARDS, Marks, digest_of, name_of
from services.gateway.garbage.models import Counts
from services.kernel.entity import utc_now
from services.kernel.errors import Unavailable
from services.kernel.logging import get_logger
from services.kernel.maintenance import Reference
from services.kernel.storage.objects import ObjectInfo, ObjectStore

BATCH = 200
NOTE_S = 2.0

log = get_logger(__name__)

Fenced = Callable[[Callable[[], None]], None]
"""Runs work in a transaction that only the holder of the control lease commits."""


@dataclass(frozen=True)
class Rule:
    """`grace`: age below which nothing goes. `quarantine`: how long nothing must have referred to it."""

    grace: timedelta
    quarantine: timedelta


@dataclass
class Collector:
    """One pass. `references` names everything that is needed, or raises; nothing goes while `held` says so."""

    store: ObjectStore
    references: Callable[[], Iterable[Reference]]
    rule: Rule
    fenced: Fenced
    held: Callable[[], bool] = lambda: False

    def run(self, collection_id: str, began: datetime, scratch: Path, *, dry_run: bool) -> Counts:
        counts, noted = Counts(), 0.0
        marks = Marks(self.store, scratch)
        marks.mark(self.references())
        counts.missing, counts.missing_names = marks.missing_count, marks.missing
        for shard in SHARDS:
            if time.monotonic() - noted > NOTE_S:
                self.fenced(lambda: models.note(collection_id, counts))
                noted = time.monotonic()
            _Sweep(self, shard, marks.of_shard(shard), began, counts, dry_run).run()
        return counts


class _Sweep:
    """One shard."""

    def __init__(
        self, collector: Collector, shard: str, marked: frozenset[bytes], began: datetime, counts: Counts, dry_run: bool
    ) -> None:
        self._collector = collector
        self._rule = collector.rule
        self._shard = shard
        self._marked = marked
        self._began = began
        self._counts = counts
        self._dry_run = dry_run
        self._known = models.known(shard)
        self._fresh: set[str] = set()
        self._garbage: set[str] = set()

    def run(self) -> None:
        batch: list[ObjectInfo] = []
        for found in self._removable():
            batch.append(found)
            if len(batch) == BATCH:
                self._remove(batch)
                batch = []
        self._remove(batch)
        settled = set(self._known) - self._garbage
        if not self._dry_run and (settled or self._fresh):
            self._collector.fenced(lambda: self._note(settled))

    def _note(self, settled: set[str]) -> None:
        models.forget(settled)
        models.remember(self._shard, self._fresh, self._began)

    def _removable(self) -> Iterator[ObjectInfo]:
        for found in self._collector.store.scan(f"{self._shard}/"):
            self._counts.scanned += 1
            name = name_of(found.key)
            if digest_of(name) in self._marked:
                self._counts.referenced += 1
            elif self._is_young(found):
                self._counts.young.add(found.size)
            else:
                self._garbage.add(name)
                if self._waits(name):
                    self._counts.waiting.add(found.size)
                else:
                    yield found

    def _is_young(self, found: ObjectInfo) -> bool:
        return utc_now() - found.modified_at < self._rule.grace

    def _waits(self, name: str) -> bool:
        since = self._known.get(name)
        if since is None:
            self._fresh.add(name)
        return since is None or self._began - since < self._rule.quarantine

    def _remove(self, batch: list[ObjectInfo]) -> None:
        """Only what nobody has written again meanwhile. The row of a name goes when a later pass does not find it."""
        if self._dry_run:
            for found in batch:
                self._counts.removed.add(found.size)
            return
        if batch and self._collector.held():
            raise Unavailable("A backup is being taken; nothing is removed until it is there.", reason="OBJECTS_HELD")
        if batch:
            self._collector.fenced(lambda: None)
        for found in batch:
            now = self._collector.store.info(found.key)
            if now is not None and not self._is_young(now):
                self._collector.store.delete(found.key)
                self._counts.removed.add(found.size)
                log.info("garbage_removed", key=found.key, size=found.size, modified_at=found.modified_at.isoformat())

"""Workloads that were read before are not read again: a query then costs their ids and versions only."""

from collections.abc import Mapping

from services.scheduler.domain import Workload
from services.scheduler.ports import Workloads


class KnownWorkloads:
    """What matches one query, kept from one look to the next. Who gets a workload from here must not change it."""

    def __init__(self, workloads: Workloads, query: Mapping[str, object], *, limit: int = 0) -> None:
        self._workloads = workloads
        self._query = query
        self._limit = limit
        self._known: dict[str, Workload] = {}

    def select(self) -> list[Workload]:
        """All that match now, oldest first."""
        versions = self._workloads.versions(self._query, limit=self._limit)
        stale = [name for name, version in versions.items() if not self._is_current(name, version)]
        fresh = {workload.id: workload for workload in self._read(stale)}
        found = {name: fresh.get(name) or self._known.get(name) for name in versions}
        self._known = {name: workload for name, workload in found.items() if workload is not None}
        return list(self._known.values())

    def _is_current(self, name: str, version: int) -> bool:
        known = self._known.get(name)
        return known is not None and known.version == version

    def _read(self, names: list[str]) -> list[Workload]:
        """Those that still match; one that changed between the two queries is left to the next look."""
        return self._workloads.select({"id": {"$in": names}, **self._query}) if names else []

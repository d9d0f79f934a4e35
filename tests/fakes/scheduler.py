"""The scheduler as an agent sees it, in memory: fences, idempotent streams, and lists that are pushed."""

import threading
from collections.abc import Iterator, Sequence

from services.kernel.errors import Conflict, Unavailable
from services.kernel.values import Resources
from services.scheduler.domain import Assignment, MetricPoint, Report, WorkloadExit


class FakeScheduler:
    """`exits` holds the accepted ends by workload; `away` makes every call fail; without `pushing` lists grow old."""

    def __init__(self) -> None:
        self.assigned: dict[str, Assignment] = {}
        self.logs: dict[str, bytes] = {}
        self.points: dict[str, list[MetricPoint]] = {}
        self.states: dict[str, Report] = {}
        self.exits: dict[str, WorkloadExit] = {}
        self.exit_reports: list[Report] = []
        self.heartbeats: list[Resources] = []
        self.away = False
        self.pushing = True
        self._changed = threading.Condition()

    def assign(self, *assignments: Assignment) -> None:
        with self._changed:
            self.assigned |= {item.workload_id: item for item in assignments}
            self._changed.notify_all()

    def take_away(self, workload_id: str) -> None:
        with self._changed:
            del self.assigned[workload_id]
            self._changed.notify_all()

    def heartbeat(self, node_id: str, name: str, engine: str, capacity: Resources) -> float:
        self._reach()
        self.heartbeats.append(capacity)
        return 0.2

    def ended(self, workload_ids: Sequence[str]) -> Sequence[str]:
        self._reach()
        return [workload_id for workload_id in workload_ids if workload_id in self.exits]

    def watch(self, node_id: str) -> Iterator[list[Assignment]]:
        sent: list[Assignment] | None = None
        while True:
            with self._changed:
                self._changed.wait(0.05)
                found = list(self.assigned.values())
            self._reach()
            if found != sent and self.pushing:
                yield found
                sent = found

    def report(self, report: Report) -> None:
        self._hold(report)
        self.states[report.workload_id] = report
        if report.exit is not None:
            self.exits[report.workload_id] = report.exit
            self.exit_reports.append(report)
            self.take_away(report.workload_id)

    def append_log(self, report: Report, offset: int, data: bytes) -> int:
        self._hold(report)
        known = self.logs.get(report.workload_id, b"")
        if offset <= len(known):
            known += data[len(known) - offset :]
        self.logs[report.workload_id] = known
        return len(known)

    def append_points(self, report: Report, points: Sequence[MetricPoint]) -> None:
        self._hold(report)
        known = self.points.setdefault(report.workload_id, [])
        known.extend(point for point in points if point.index > len(known))

    def _hold(self, report: Report) -> None:
        self._reach()
        held = self.assigned.get(report.workload_id)
        if held is None or held.fence != report.fence:
            raise Conflict(f"The lease {report.fence} is not valid any more.", reason="FENCED")

    def _reach(self) -> None:
        if self.away:
            raise Unavailable("The scheduler does not answer.")

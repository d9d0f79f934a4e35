"""What agents call."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

from google.protobuf.empty_pb2 import Empty

from protos.scheduler.v1 import agent_pb2, workload_pb2
from services.kernel.errors import Unavailable
from services.kernel.rights import require_service
from services.kernel.storage.changes import ChangeFeed
from services.kernel.storage.transactions import in_transaction
from services.kernel.values import Resources
from services.kernel.wire import from_message, to_message
from services.scheduler.adapters.messages import exit_from, points_from, steps_from
from services.scheduler.bootstrap import App
from services.scheduler.domain import Assignment, Report, Workload
from services.scheduler.handlers import nodes as node_handlers
from services.scheduler.handlers import workloads as handlers

_REFRESH_S = 5.0
_SPACING_S = 0.03
"""So far apart are two looks at the assignments of a node: any workload's change asks for one."""
_LOG_BYTES = 20 << 20
_LAST_LINE_BYTES = 4096
_LOG_CALLS = 4
_LOG_WAIT_S = 1.0


class AgentRpc:
    def __init__(self, app: App, changes: ChangeFeed) -> None:
        self._app = app
        self._changes = changes
        self._log_calls = threading.BoundedSemaphore(_LOG_CALLS)

    def Heartbeat(self, request: agent_pb2.HeartbeatRequest) -> agent_pb2.HeartbeatResponse:
        require_service()
        capacity = from_message(request.capacity, Resources)
        told = node_handlers.Heartbeat(request.node_id, request.name or request.node_id, request.engine, capacity)
        interval = in_transaction(lambda: node_handlers.heartbeat(self._app.nodes, told))
        return agent_pb2.HeartbeatResponse(interval_s=interval)

    def FindEndedWorkloads(self, request: agent_pb2.FindEndedWorkloadsRequest) -> agent_pb2.FindEndedWorkloadsResponse:
        require_service()
        found = handlers.ended(self._app.workloads, request.workload_ids)
        return agent_pb2.FindEndedWorkloadsResponse(workload_ids=found)

    async def WatchAssignments(
        self, request: agent_pb2.WatchAssignmentsRequest
    ) -> AsyncIterator[agent_pb2.Assignments]:
        require_service()
        watch, messages = node_handlers.AssignmentWatch(self._app.workloads, request.node_id), _AssignmentMessages()
        sent: Sequence[Assignment] | None = None
        async with self._changes.subscribe() as changes:
            while True:
                await changes.wait(_REFRESH_S)
                found = await asyncio.to_thread(watch.assignments)
                if found != sent:
                    yield agent_pb2.Assignments(assignments=messages.of(found))
                    sent = found
                await asyncio.sleep(_SPACING_S)

    def ReportState(self, request: agent_pb2.ReportStateRequest) -> Empty:
        require_service()
        ended = request.state == workload_pb2.Workload.STATE_EXITED
        told = Report(
            request.node_id,
            request.workload_id,
            request.fence,
            exit=exit_from(request.exit) if ended else None,
            progress=request.progress,
            steps=steps_from(list(request.steps)),
        )
        in_transaction(lambda: handlers.report(self._app.workloads, told))
        return Empty()

    def AppendLog(self, request: agent_pb2.AppendLogRequest) -> agent_pb2.AppendLogResponse:
        require_service()

        def append() -> int:
            workload = self._held(request.workload_id, request.fence, request.node_id)
            limit = (workload.spec.log_limit_bytes or _LOG_BYTES) + _LAST_LINE_BYTES
            return self._app.logs.append(
                workload.id, request.fence, request.offset, request.data, limit * workload.attempt
            )

        with self._log_turn():
            return agent_pb2.AppendLogResponse(next_offset=in_transaction(append))

    def AppendMetricPoints(self, request: agent_pb2.AppendMetricPointsRequest) -> Empty:
        require_service()
        points = points_from(request)

        def append() -> None:
            workload = self._held(request.workload_id, request.fence, request.node_id)
            self._app.points.append(workload.id, request.fence, points)

        in_transaction(append)
        return Empty()

    @contextmanager
    def _log_turn(self) -> Iterator[None]:
        """Few of the threads may wait for the object store, so that heartbeats are heard while it hangs."""
        if not self._log_calls.acquire(timeout=_LOG_WAIT_S):
            raise Unavailable("Too many logs are being written; the next try may succeed.", reason="LOGS_BUSY")
        try:
            yield
        finally:
            self._log_calls.release()

    def _held(self, workload_id: str, fence: int, node_id: str) -> Workload:
        workload = self._app.workloads.get(workload_id)
        workload.held_under(fence, node_id)
        return workload


class _AssignmentMessages:
    """Assignments as messages; those of the last list that are still the same are not made again."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int], tuple[Assignment, agent_pb2.Assignment]] = {}

    def of(self, assignments: Sequence[Assignment]) -> list[agent_pb2.Assignment]:
        made: dict[tuple[str, int], tuple[Assignment, agent_pb2.Assignment]] = {}
        for assignment in assignments:
            key = (assignment.workload_id, assignment.fence)
            known = self._made.get(key)
            same = known is not None and known[0] == assignment
            made[key] = known if known and same else (assignment, to_message(assignment, agent_pb2.Assignment))
        self._made = made
        return [message for _, message in made.values()]

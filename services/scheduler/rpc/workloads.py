"""Workloads, their logs and points, and nodes."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from protos.scheduler.v1 import workload_pb2
from services.kernel.pages import PageToken, page_limit
from services.kernel.rights import require_admin, require_caller, require_service, require_visible, visible_query
from services.kernel.storage.changes import ChangeFeed
from services.kernel.storage.transactions import in_transaction
from services.kernel.values import Resources
from services.kernel.wire import to_message
from services.scheduler.adapters.messages import exit_from, spec_from
from services.scheduler.bootstrap import App
from services.scheduler.domain import Node, Report, Workload, WorkloadState
from services.scheduler.explanation import Explanation, taken_by
from services.scheduler.handlers import nodes as node_handlers
from services.scheduler.handlers import queues as queue_handlers
from services.scheduler.handlers import workloads as handlers
from services.scheduler.handlers.placement import allocated_by_node, leased_workloads

_POINTS = 1000
_FOLLOW_S = 1.0


class WorkloadRpc:
    def __init__(self, app: App, changes: ChangeFeed) -> None:
        self._app = app
        self._changes = changes

    def SubmitWorkload(self, request: workload_pb2.SubmitWorkloadRequest) -> workload_pb2.Workload:
        require_service()
        command = handlers.Submit(spec_from(request.spec), request.request_id, request.owner, request.project)
        return _message(handlers.submit(self._app.workloads, command))

    def GetWorkload(self, request: workload_pb2.GetWorkloadRequest) -> workload_pb2.Workload:
        return _message(self._visible(request.id))

    def ListWorkloads(self, request: workload_pb2.ListWorkloadsRequest) -> workload_pb2.ListWorkloadsResponse:
        query = visible_query()
        if request.state:
            query["state"] = WorkloadState(workload_pb2.Workload.State.Name(request.state)[len("STATE_") :].lower())
        if request.ids:
            query["id"] = {"$in": list(request.ids)}
        page = self._app.workloads.page(query, page_size=request.page_size, page_token=request.page_token)
        return workload_pb2.ListWorkloadsResponse(
            workloads=[_message(workload) for workload in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    def ExplainWorkload(self, request: workload_pb2.ExplainWorkloadRequest) -> workload_pb2.WorkloadExplanation:
        workload = self._visible(request.id)
        nodes, queues = self._app.nodes.find(), self._app.queues.find()
        before = self._app.workloads.count(
            {"state": WorkloadState.PENDING, "project": workload.project, "id": {"$lt": workload.id}}
        )
        explained = queue_handlers.explain(
            workload,
            before,
            queue_handlers.standings(queues, self._app.totals.by_project(), nodes),
            Explanation(nodes, queues, taken_by(leased_workloads(self._app.workloads)), ()),
        )
        return to_message(explained, workload_pb2.WorkloadExplanation)

    def CancelWorkload(self, request: workload_pb2.CancelWorkloadRequest) -> workload_pb2.Workload:
        require_service()
        return _message(handlers.cancel(self._app.workloads, request.id))

    def ReportWorkload(self, request: workload_pb2.ReportWorkloadRequest) -> workload_pb2.Workload:
        require_service()
        ended = request.state == workload_pb2.Workload.STATE_EXITED
        told = Report("", request.id, request.fence, exit=exit_from(request.exit) if ended else None)
        return _message(handlers.report(self._app.workloads, told))

    async def ReadLog(self, request: workload_pb2.ReadLogRequest) -> AsyncIterator[workload_pb2.LogChunk]:
        offset = request.offset
        async with self._changes.subscribe() as changes:
            while True:
                await changes.wait(_FOLLOW_S)
                # The state is read before the log: what an ended workload wrote is all there by then.
                workload = await asyncio.to_thread(self._visible, request.id)
                while data := await asyncio.to_thread(self._app.logs.read, request.id, offset):
                    yield workload_pb2.LogChunk(offset=offset, data=data)
                    offset += len(data)
                if workload.ended or not request.follow:
                    return

    def ListMetricPoints(self, request: workload_pb2.ListMetricPointsRequest) -> workload_pb2.ListMetricPointsResponse:
        self._visible(request.id)
        limit = request.page_size or _POINTS
        points = self._app.points.list(request.id, name=request.name, after=request.after, limit=limit)
        return workload_pb2.ListMetricPointsResponse(
            points=[to_message(point, workload_pb2.MetricPoint) for point in points]
        )

    def _visible(self, workload_id: str) -> Workload:
        workload = self._app.workloads.get(workload_id)
        require_visible(workload)
        return workload


class NodeRpc:
    def __init__(self, app: App) -> None:
        self._app = app

    def ListNodes(self, request: workload_pb2.ListNodesRequest) -> workload_pb2.ListNodesResponse:
        require_caller()
        after = PageToken.parse(request.page_token, {}).after if request.page_token else ""
        nodes = sorted(self._app.nodes.find(), key=lambda node: (node.name, node.id))
        rest = [node for node in nodes if f"{node.name}\n{node.id}" > after]
        limit = page_limit(request.page_size)
        allocated = allocated_by_node(leased_workloads(self._app.workloads))
        response = workload_pb2.ListNodesResponse(total_size=len(nodes))
        response.nodes.extend(self._node(node, allocated) for node in rest[:limit])
        if len(rest) > limit:
            last = rest[limit - 1]
            response.next_page_token = PageToken.after_item(f"{last.name}\n{last.id}", {})
        return response

    def DrainNode(self, request: workload_pb2.DrainNodeRequest) -> workload_pb2.Node:
        return self._set_drained(request.id, True)

    def ResumeNode(self, request: workload_pb2.ResumeNodeRequest) -> workload_pb2.Node:
        return self._set_drained(request.id, False)

    def _set_drained(self, node_id: str, drained: bool) -> workload_pb2.Node:
        require_admin()
        node = in_transaction(lambda: node_handlers.set_drained(self._app.nodes, node_id, drained))
        return self._node(node, allocated_by_node(leased_workloads(self._app.workloads)))

    def _node(self, node: Node, allocated: Mapping[str, Resources]) -> workload_pb2.Node:
        message = to_message(node, workload_pb2.Node)
        if node.id in allocated:
            message.allocated.CopyFrom(to_message(allocated[node.id], type(message.allocated)))
        return message


def _message(workload: Workload) -> workload_pb2.Workload:
    return to_message(workload, workload_pb2.Workload)

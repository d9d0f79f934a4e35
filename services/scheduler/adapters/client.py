"""The scheduler over gRPC."""

from collections.abc import Iterator, Sequence

import grpc

from protos.scheduler.v1 import agent_pb2, agent_pb2_grpc, workload_pb2
from services.kernel.grpc.status import from_rpc_error
from services.kernel.values import Resources
from services.kernel.wire import from_message, to_message
from services.scheduler.adapters.messages import spec_from
from services.scheduler.domain import Assignment, MetricPoint, Report


class GrpcScheduler:
    """Implements `SchedulerPort`; safe for use by several threads."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = agent_pb2_grpc.AgentServiceStub(channel)

    def heartbeat(self, node_id: str, name: str, engine: str, capacity: Resources) -> float:
        request = agent_pb2.HeartbeatRequest(node_id=node_id, name=name, engine=engine)
        request.capacity.CopyFrom(to_message(capacity, type(request.capacity)))
        response: agent_pb2.HeartbeatResponse = self._stub.Heartbeat(request, timeout=5)
        return response.interval_s

    def ended(self, workload_ids: Sequence[str]) -> Sequence[str]:
        request = agent_pb2.FindEndedWorkloadsRequest(workload_ids=workload_ids)
        response: agent_pb2.FindEndedWorkloadsResponse = self._stub.FindEndedWorkloads(request, timeout=5)
        return list(response.workload_ids)

    def watch(self, node_id: str) -> Iterator[list[Assignment]]:
        known: dict[bytes, Assignment] = {}
        try:
            for message in self._stub.WatchAssignments(agent_pb2.WatchAssignmentsRequest(node_id=node_id)):
                encoded = {item.SerializeToString(deterministic=True): item for item in message.assignments}
                known = {data: known.get(data) or _assignment(item) for data, item in encoded.items()}
                yield list(known.values())
        except grpc.RpcError as error:
            raise from_rpc_error(error) from error

    def report(self, report: Report) -> None:
        state = workload_pb2.Workload.STATE_EXITED if report.exit else workload_pb2.Workload.STATE_RUNNING
        request = to_message(report, agent_pb2.ReportStateRequest)
        request.state = state
        self._stub.ReportState(request)

    def append_log(self, report: Report, offset: int, data: bytes) -> int:
        request = agent_pb2.AppendLogRequest(
            node_id=report.node_id, workload_id=report.workload_id, fence=report.fence, offset=offset, data=data
        )
        response: agent_pb2.AppendLogResponse = self._stub.AppendLog(request)
        return response.next_offset

    def append_points(self, report: Report, points: Sequence[MetricPoint]) -> None:
        request = agent_pb2.AppendMetricPointsRequest(
            node_id=report.node_id,
            workload_id=report.workload_id,
            fence=report.fence,
            points=[to_message(point, workload_pb2.MetricPoint) for point in points],
        )
        self._stub.AppendMetricPoints(request)


def _assignment(message: agent_pb2.Assignment) -> Assignment:
    return from_message(message, Assignment, spec=spec_from(message.spec))

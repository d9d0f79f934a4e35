"""Leases of the engine `triton`, and the heartbeats of Triton's node."""

from dataclasses import dataclass

import grpc

from protos.common.v1 import common_pb2
from protos.scheduler.v1 import agent_pb2, agent_pb2_grpc, workload_pb2, workload_pb2_grpc
from services.kernel.errors import Conflict, FailedPrecondition, NotFound, Unavailable
from services.serving.ports import LeaseRequest, WorkloadState, WorkloadView

ENGINE = "triton"
_Workload = workload_pb2.Workload
_Exit = workload_pb2.WorkloadExit


@dataclass(frozen=True)
class Amount:
    """CPU in thousandths of a core, memory in bytes."""

    cpu_millis: int
    memory_bytes: int


@dataclass(frozen=True)
class TritonNode:
    """What Triton's node offers to the scheduler, and what one instance takes of it."""

    name: str
    capacity: Amount
    instance: Amount


class GrpcScheduler:
    """The scheduler as the reconciler needs it; calls as the service itself."""

    def __init__(self, channel: grpc.Channel, node: TritonNode) -> None:
        self._workloads = workload_pb2_grpc.WorkloadServiceStub(channel)
        self._agents = agent_pb2_grpc.AgentServiceStub(channel)
        self._node = node

    def request(self, lease: LeaseRequest) -> WorkloadView:
        spec = workload_pb2.WorkloadSpec(
            name=lease.title,
            kind=workload_pb2.WORKLOAD_KIND_SERVICE,
            engine=ENGINE,
            subject=lease.subject,
            resources=_resources(self._node.instance, lease.load),
            workers=1,
        )
        submitted = self._workloads.SubmitWorkload(
            workload_pb2.SubmitWorkloadRequest(
                spec=spec, request_id=lease.name, owner=lease.owner, project=lease.project
            )
        )
        return view_of(submitted)

    def look(self, workload_id: str) -> WorkloadView:
        return view_of(self._workloads.GetWorkload(workload_pb2.GetWorkloadRequest(id=workload_id)))

    def report_running(self, workload_id: str, fence: int) -> bool:
        request = workload_pb2.ReportWorkloadRequest(id=workload_id, state=_Workload.STATE_RUNNING, fence=fence)
        try:
            self._workloads.ReportWorkload(request)
        except (Conflict, NotFound, FailedPrecondition):
            return False
        return True

    def release(self, workload_id: str, *, cancelled: bool) -> None:
        try:
            found = self._workloads.GetWorkload(workload_pb2.GetWorkloadRequest(id=workload_id))
            if found.state == _Workload.STATE_PENDING:
                found = self._workloads.CancelWorkload(workload_pb2.CancelWorkloadRequest(id=workload_id))
            if found.state not in (_Workload.STATE_EXITED, _Workload.STATE_PENDING):
                self._workloads.ReportWorkload(_ended(found, cancelled=cancelled))
        except NotFound:
            return
        except (Conflict, FailedPrecondition) as error:
            # It may have been placed or ended between the two calls: only another look tells.
            raise Unavailable("The lease changed meanwhile; it is looked at again.", reason="LEASE_CHANGED") from error

    def heartbeat(self) -> float:
        """Say that Triton's node is there. Seconds until the next heartbeat is expected."""
        node = self._node
        answer = self._agents.Heartbeat(
            agent_pb2.HeartbeatRequest(
                node_id=node.name, name=node.name, engine=ENGINE, capacity=_resources(node.capacity, 1)
            )
        )
        interval: float = answer.interval_s
        return interval


def _resources(amount: Amount, times: int) -> common_pb2.Resources:
    return common_pb2.Resources(cpu_millis=times * amount.cpu_millis, memory_bytes=times * amount.memory_bytes)


def view_of(workload: workload_pb2.Workload) -> WorkloadView:
    """What one lease means to us."""
    if workload.state == _Workload.STATE_EXITED:
        ended = {_Exit.REASON_CANCELLED: WorkloadState.CANCELLED, _Exit.REASON_LOST: WorkloadState.LOST}
        state = ended.get(workload.exit.reason, WorkloadState.ENDED)
        return WorkloadView(workload.id, state, message=workload.exit.message)
    states = {
        _Workload.STATE_PENDING: WorkloadState.PENDING,
        _Workload.STATE_PLACED: WorkloadState.PLACED,
        _Workload.STATE_RUNNING: WorkloadState.PLACED,
        _Workload.STATE_STOPPING: WorkloadState.STOPPING,
    }
    return WorkloadView(workload.id, states[workload.state], workload.lease.fence, workload.waiting_reason)


def _ended(workload: workload_pb2.Workload, *, cancelled: bool) -> workload_pb2.ReportWorkloadRequest:
    stopping = cancelled or workload.state == _Workload.STATE_STOPPING
    reason = _Exit.REASON_CANCELLED if stopping else _Exit.REASON_COMPLETED
    return workload_pb2.ReportWorkloadRequest(
        id=workload.id,
        state=_Workload.STATE_EXITED,
        fence=workload.lease.fence,
        exit=_Exit(reason=reason, message="The service gave the resources back."),
    )

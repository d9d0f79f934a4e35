"""Nodes: heartbeats, what they should run, and the list for people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from services.kernel.entity import utc_now
from services.kernel.values import Resources
from services.scheduler.domain import LEASED, Assignment, Node, NodeState, Workload, WorkloadSpec, WorkloadState
from services.scheduler.handlers.known import KnownWorkloads
from services.scheduler.ports import Nodes, Workloads

HEARTBEAT_S = 3.0


@dataclass(frozen=True)
class Heartbeat:
    node_id: str
    name: str
    engine: str
    capacity: Resources


def heartbeat(nodes: Nodes, told: Heartbeat) -> float:
    """Note that the node is there, registering it the first time; seconds until the next heartbeat."""
    node = nodes.find_one(id=told.node_id)
    if node is None:
        nodes.add(Node(id=told.node_id, name=told.name, engine=told.engine, capacity=told.capacity))
        return HEARTBEAT_S
    node.name, node.engine, node.capacity = told.name, told.engine, told.capacity
    node.last_heartbeat_at = utc_now()
    if node.state is NodeState.LOST:
        node.state = NodeState.READY
    nodes.save(node)
    return HEARTBEAT_S


def set_drained(nodes: Nodes, node_id: str, drained: bool) -> Node:
    """Give nothing new to the node, or let it take workloads again. What runs there goes on."""
    node = nodes.get(node_id)
    if node.drained is not drained:
        node.drained = drained
        nodes.save(node)
    return node


def assignments(workloads: Workloads, node_id: str) -> Sequence[Assignment]:
    """Everything that the node should run now, in the order of its leases."""
    return _assignments(workloads.select(_leased_by(node_id)))


class AssignmentWatch:
    """The same for a node that is looked at again and again."""

    def __init__(self, workloads: Workloads, node_id: str) -> None:
        self._leased = KnownWorkloads(workloads, _leased_by(node_id))

    def assignments(self) -> Sequence[Assignment]:
        return _assignments(self._leased.select())


def _leased_by(node_id: str) -> dict[str, object]:
    return {"state": {"$in": list(LEASED)}, "lease.node_id": node_id}


def _assignments(leased: Iterable[Workload]) -> Sequence[Assignment]:
    found = [
        Assignment(
            workload_id=workload.id,
            fence=workload.fence,
            attempt=workload.attempt,
            spec=_with_cards(workload),
            stop=workload.state is WorkloadState.STOPPING,
            traceparent=workload.traceparent,
        )
        for workload in leased
    ]
    return sorted(found, key=lambda assignment: assignment.fence)


def _with_cards(workload: Workload) -> WorkloadSpec:
    """The spec, telling the run which of the node's cards are its own."""
    if workload.lease is None or not workload.lease.cards:
        return workload.spec
    cards = ",".join(map(str, workload.lease.cards))
    return replace(workload.spec, env={**workload.spec.env, "CUDA_VISIBLE_DEVICES": cards})

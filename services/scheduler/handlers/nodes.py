"""Nodes: heartbeats, what they should run, and the list for people."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.kernel.entity import utc_now
from services.kernel.values import Resources
from services.scheduler.domain import LEASED, Assignment, Node, NodeState, WorkloadState
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


def assignments(workloads: Workloads, node_id: str) -> Sequence[Assignment]:
    """Everything that the node should run now, in the order of its leases."""
    leased = workloads.select({"state": {"$in": list(LEASED)}, "lease.node_id": node_id})
    found = [
        Assignment(
            workload_id=workload.id,
            fence=workload.fence,
            attempt=workload.attempt,
            spec=workload.spec,
            stop=workload.state is WorkloadState.STOPPING,
            traceparent=workload.traceparent,
        )
        for workload in leased
    ]
    return sorted(found, key=lambda assignment: assignment.fence)

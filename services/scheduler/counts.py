"""What Prometheus learns of queue and nodes, from the holder of the control lease."""

from collections.abc import Sequence
from typing import Any

from prometheus_client import Gauge

from services.kernel.census import Count, age_seconds, by_field
from services.kernel.metrics import Values
from services.kernel.storage.mongo import collection_of
from services.scheduler.domain import LEASED, Node, Workload, WorkloadState
from services.scheduler.models import WorkloadDocument
from services.scheduler.ports import Nodes, Workloads

WORKLOADS = Gauge("modelyard_workloads", "Workloads that have not ended", ["state"])
QUEUE = Gauge("modelyard_queue_length", "Workloads that wait for a lease", ["engine"])
QUEUE_WAIT = Gauge("modelyard_queue_oldest_wait_seconds", "How long the oldest of them has waited", ["engine"])
NODES = Gauge("modelyard_nodes", "Nodes", ["engine", "state"])
HEARTBEAT_AGE = Gauge("modelyard_node_heartbeat_age_seconds", "Since a node was heard of", ["node"])
CORES = Gauge("modelyard_node_capacity_cores", "Cores that a node offers", ["node"])
CORES_USED = Gauge("modelyard_node_allocated_cores", "Cores that are leased on a node", ["node"])
MEMORY = Gauge("modelyard_node_capacity_memory_bytes", "Memory that a node offers", ["node"])
MEMORY_USED = Gauge("modelyard_node_allocated_memory_bytes", "Memory that is leased on a node", ["node"])
GPUS = Gauge("modelyard_node_capacity_gpus", "GPUs that a node offers", ["node"])
GPUS_USED = Gauge("modelyard_node_allocated_gpus", "GPUs that are leased on a node", ["node"])


class SchedulerCounts:
    """The queue, the nodes and the ledger as they stand in the database."""

    def __init__(self, workloads: Workloads, nodes: Nodes) -> None:
        self._workloads = workloads
        self._nodes = nodes
        self._known: Sequence[Node] = ()
        self._leased: Sequence[Workload] = ()

    def all(self) -> Sequence[Count]:
        """In this order: the first of the nodes reads what the others show."""
        open_states = [state.value for state in WorkloadState if state is not WorkloadState.EXITED]
        return (
            (WORKLOADS, by_field(WorkloadDocument, "state", open_states)),
            (QUEUE, lambda: {engine: row["count"] for engine, row in self._waiting().items()}),
            (QUEUE_WAIT, lambda: {engine: age_seconds(row["oldest"]) for engine, row in self._waiting().items()}),
            (NODES, self._by_state),
            (HEARTBEAT_AGE, lambda: {(node.name,): age_seconds(node.last_heartbeat_at) for node in self._known}),
            (CORES, lambda: self._capacity("cpu_millis", 1000)),
            (CORES_USED, lambda: self._allocated("cpu_millis", 1000)),
            (MEMORY, lambda: self._capacity("memory_bytes", 1)),
            (MEMORY_USED, lambda: self._allocated("memory_bytes", 1)),
            (GPUS, lambda: self._capacity("gpu_millis", 1000)),
            (GPUS_USED, lambda: self._allocated("gpu_millis", 1000)),
        )

    def _waiting(self) -> dict[tuple[str, ...], dict[str, Any]]:
        pipeline: list[dict[str, object]] = [
            {"$match": {"state": WorkloadState.PENDING.value}},
            {"$group": {"_id": "$spec.engine", "count": {"$sum": 1}, "oldest": {"$min": "$created_at"}}},
        ]
        return {(row["_id"],): row for row in collection_of(WorkloadDocument).aggregate(pipeline)}

    def _by_state(self) -> Values:
        self._known = self._nodes.find()
        self._leased = self._workloads.select({"state": {"$in": list(LEASED)}})
        found: dict[tuple[str, ...], float] = {}
        for node in self._known:
            key = (node.engine, node.state.value)
            found[key] = found.get(key, 0) + 1
        return found

    def _capacity(self, resource: str, unit: int) -> Values:
        return {(node.name,): getattr(node.capacity, resource) / unit for node in self._known}

    def _allocated(self, resource: str, unit: int) -> Values:
        found: dict[tuple[str, ...], float] = {(node.name,): 0.0 for node in self._known}
        names = {node.id: node.name for node in self._known}
        for workload in self._leased:
            if workload.lease is not None and workload.lease.node_id in names:
                found[names[workload.lease.node_id],] += getattr(workload.lease.resources, resource) / unit
        return found

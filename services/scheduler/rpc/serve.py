"""The role `rpc`."""

import threading

from protos.scheduler.v1 import agent_pb2, queue_pb2, workload_pb2
from services.kernel.grpc import server
from services.kernel.maintenance import DESCRIPTOR, MaintenanceRpc
from services.kernel.storage.changes import ChangeFeed
from services.scheduler.bootstrap import build
from services.scheduler.maintenance import HELD, PATIENCE
from services.scheduler.rpc.agents import AgentRpc
from services.scheduler.rpc.queues import LedgerRpc, QueueRpc
from services.scheduler.rpc.workloads import NodeRpc, WorkloadRpc


def rpc(stop: threading.Event) -> None:
    """Serve until `stop` is set."""
    app = build()
    leases = ChangeFeed(["workloads"], name="changes-leases").start()
    logs = ChangeFeed(["log_chunks", "workloads"], name="changes-logs").start()
    workload_services = workload_pb2.DESCRIPTOR.services_by_name
    registrations = [
        (WorkloadRpc(app, logs), workload_services["WorkloadService"]),
        (NodeRpc(app), workload_services["NodeService"]),
        (QueueRpc(app), queue_pb2.DESCRIPTOR.services_by_name["QueueService"]),
        (LedgerRpc(app), queue_pb2.DESCRIPTOR.services_by_name["LedgerService"]),
        (AgentRpc(app, leases), agent_pb2.DESCRIPTOR.services_by_name["AgentService"]),
        (MaintenanceRpc("scheduler", HELD, PATIENCE), DESCRIPTOR),
    ]
    try:
        server.run("scheduler", app.settings, registrations, stop)
    finally:
        leases.stop()
        logs.stop()

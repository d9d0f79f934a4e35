"""What ended long ago is forgotten: the workload with its log and points, and nodes that never came back."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from services.kernel.control import transaction
from services.kernel.entity import utc_now
from services.kernel.logging import get_logger
from services.scheduler.bootstrap import App
from services.scheduler.domain import Node, NodeState, Workload, WorkloadState

BATCH = 100

log = get_logger(__name__)


class Forgetting:
    """Work of a control loop. Killed anywhere it goes on where it was: the workload itself goes last."""

    def __init__(self, app: App, kept: timedelta, held: Callable[[], bool] = lambda: False) -> None:
        """Nothing goes while `held` says so."""
        self._app = app
        self._kept = kept
        self._held = held

    def run(self) -> None:
        while not self._held() and self._forget_workloads():
            pass
        self._forget_nodes()

    def _forget_workloads(self) -> bool:
        """Whether there may be more."""
        late = utc_now() - self._kept
        query = {"state": WorkloadState.EXITED, "ended_at": {"$lt": late}}
        found: list[Workload] = self._app.workloads.select(query, limit=BATCH)
        for workload in found:
            self._app.logs.remove(workload.id)
            self._app.points.remove(workload.id)
            transaction(partial(self._app.workloads.delete, workload))
            log.info("workload_forgotten", workload=workload.id)
        return len(found) == BATCH

    def _forget_nodes(self) -> None:
        late = utc_now() - self._kept
        lost: list[Node] = self._app.nodes.select({"state": NodeState.LOST, "last_heartbeat_at": {"$lt": late}})
        for node in lost:
            transaction(partial(self._app.nodes.delete, node))
            log.info("node_forgotten", node=node.id)

"""Runs that ended long ago are forgotten, unless they are the last of a task that is still there."""

from datetime import timedelta
from functools import partial

from services.kernel.control import transaction
from services.kernel.entity import utc_now
from services.kernel.logging import get_logger
from services.trainer.bootstrap import App
from services.trainer.domain import Run, RunPhase
from services.trainer.workloads import find_task

BATCH = 200

log = get_logger(__name__)


class Forgetting:
    """Work of a control loop."""

    def __init__(self, app: App, kept: timedelta) -> None:
        self._app = app
        self._kept = kept

    def run(self) -> None:
        late, after = utc_now() - self._kept, ""
        while True:
            query = {"phase": RunPhase.CLOSED, "updated_at": {"$lt": late}, "id": {"$gt": after}}
            found = self._app.runs.select(query, limit=BATCH)
            for run in found:
                self._forget(run)
            if len(found) < BATCH:
                return
            after = found[-1].id

    def _forget(self, run: Run) -> None:
        task = find_task(self._app.tasks, run)
        if task is None or task.run_id != run.id:
            transaction(partial(self._app.runs.delete, run))
            log.info("run_forgotten", run=run.id)

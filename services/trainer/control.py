"""Brings every open run one step on: submit it, cancel it, judge what it left."""

import threading

from services.kernel import control
from services.kernel.config import kernel_settings
from services.kernel.control import Loop, transaction
from services.kernel.entity import utc_now
from services.kernel.errors import Conflict, DomainError, NotFound, Unavailable
from services.kernel.logging import get_logger
from services.trainer import handlers
from services.trainer.bootstrap import App, build
from services.trainer.domain import Run, RunPhase, Task
from services.trainer.workloads import apply_workload

log = get_logger(__name__)

RESYNC_S = 20.0
"""A submitted run that has not changed for so long is compared with its workload, should an event be late."""


class Reconciler:
    """Level-triggered: looks at the open runs and does what is missing."""

    def __init__(self, app: App) -> None:
        self._app = app

    def reconcile(self) -> None:
        waiting: Unavailable | None = None
        for run in self._app.runs.select({"phase": {"$ne": RunPhase.CLOSED.value}}):
            try:
                self._advance(run)
            except Conflict as conflict:
                if conflict.reason == "FENCED":
                    raise
                log.info("run_changed_meanwhile", run=run.id)
            except Unavailable as error:
                waiting = error
        if waiting is not None:
            raise waiting

    def _advance(self, run: Run) -> None:
        match run.phase:
            case RunPhase.PREPARING if run.cancelled:
                transaction(lambda: self._close(run.id))
            case RunPhase.PREPARING:
                self._submit(run)
            case RunPhase.SUBMITTED:
                self._follow(run)
            case RunPhase.EXITED:
                transaction(lambda: self._close(run.id))

    def _task(self, run: Run) -> Task | None:
        try:
            return self._app.tasks.get(run.task_id)
        except NotFound:
            return None

    def _submit(self, run: Run) -> None:
        task = self._task(run)
        if task is None:
            transaction(lambda: self._close(run.id))
            return
        app = self._app
        try:
            handlers.prepare_run(run, task, datasets=app.datasets, algorithms=app.algorithms, scheduler=app.scheduler)
        except (Unavailable, Conflict):
            raise
        except DomainError as error:
            refused = error
            transaction(lambda: self._refuse(run.id, refused))
            return
        transaction(lambda: self._record_submission(run))

    def _record_submission(self, run: Run) -> None:
        self._app.runs.save(run)
        task = self._task(run)
        if task is not None and task.run_id == run.id and task.workload_id != run.workload_id:
            task.workload_id = run.workload_id
            self._app.tasks.save(task)

    def _refuse(self, run_id: str, error: DomainError) -> None:
        run = self._app.runs.get(run_id)
        task = self._app.tasks.get(run.task_id)
        handlers.fail_run(run, task, error)
        self._app.runs.save(run)
        self._app.tasks.save(task)

    def _follow(self, run: Run) -> None:
        if run.cancelled:
            self._app.scheduler.cancel(run.workload_id)
        if run.cancelled or (utc_now() - run.updated_at).total_seconds() > RESYNC_S:
            workload = self._app.scheduler.workload(run.workload_id)
            transaction(lambda: apply_workload(self._app.runs, self._app.tasks, workload, touch=True))

    def _close(self, run_id: str) -> None:
        run = self._app.runs.get(run_id)
        task = self._task(run)
        handlers.close_run(run, task, self._app.outputs)
        self._app.runs.save(run)
        if task is not None:
            self._app.tasks.save(task)


def run(stop: threading.Event) -> None:
    reconciler = Reconciler(build())
    loops = [Loop("runs", reconciler.reconcile, interval_s=2.0, wake_on=("runs",))]
    control.run("trainer", kernel_settings(), loops, stop)

"""Brings every open run on: submits it, cancels it, judges what it left."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from services.kernel import control, tracing
from services.kernel.config import kernel_settings
from services.kernel.context import untraced
from services.kernel.control import Loop, transaction
from services.kernel.entity import utc_now
from services.kernel.errors import (
    AlreadyExists,
    Conflict,
    DeadlineExceeded,
    DomainError,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unavailable,
)
from services.kernel.logging import about, get_logger
from services.kernel.retention import retention_settings
from services.kernel.values import BundleRef
from services.trainer import handlers
from services.trainer.bootstrap import App, build
from services.trainer.counts import COUNTS
from services.trainer.domain import Run, RunExit, RunPhase
from services.trainer.forgetting import Forgetting
from services.trainer.workloads import apply_workload, find_task

log = get_logger(__name__)

RESYNC_S = 20.0
"""A submitted run that has not changed for so long is compared with its workload, should an event be late."""

PATIENCE = 3
"""After so many calls in one pass that nobody answered, the rest of the runs wait for the next pass."""

PARALLEL = 8
"""So many runs are advanced at a time: they wait for the database and for other services most of the time."""

GIVE_UP_S = 600.0
"""A server that fails at a run (`Internal`) is asked again for so long; one that does not answer, for ever."""

FORGET_S = 3600.0

FINAL = (AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, ResourceExhausted)
"""What does not get better by asking again."""


class Reconciler:
    """Level-triggered: looks at the open runs and does what is missing. One method for each phase of a run."""

    def __init__(self, app: App) -> None:
        self._app = app

    def submit(self) -> None:
        """Runs that have no workload."""
        self._each(RunPhase.PREPARING, self._submit)

    def follow(self) -> None:
        """Runs whose workload goes on: cancel what was stopped, ask for what was not heard of for long."""
        self._each(RunPhase.SUBMITTED, self._follow)

    def judge(self) -> None:
        """Runs whose workload has ended."""
        self._each(RunPhase.EXITED, self._close)

    def _each(self, phase: RunPhase, advance: Callable[[Run], None]) -> None:
        runs = self._app.runs.select({"phase": phase.value})
        one_pass = _Pass(phase, advance)
        if len(runs) > 1:
            with ThreadPoolExecutor(PARALLEL, thread_name_prefix=phase.value) as pool:
                for done in [pool.submit(copy_context().run, one_pass.advance, run) for run in runs]:
                    done.result()
        else:
            for run in runs:
                one_pass.advance(run)
        one_pass.raise_failures()

    def _submit(self, run: Run) -> None:
        with tracing.span("trainer.submit", traceparent=run.traceparent, attributes=_told(run)):
            self._submit_once(run)

    def _submit_once(self, run: Run) -> None:
        app, task = self._app, find_task(self._app.tasks, run)
        if run.cancelled or task is None:
            self._close_once(run)
            return
        try:
            job = handlers.prepare_run(run, task, datasets=app.datasets, algorithms=app.algorithms)
            # What it is made of is stored before it can run: its events may come before the answer does.
            transaction(lambda: app.runs.save(run))
            workload_id = app.scheduler.submit(job)
        except DomainError as error:
            if not _is_final(error, run):
                raise
            refused = RunExit(reason=error.reason.lower(), message=error.message, outputs=BundleRef())
            transaction(lambda: self._refuse(run.id, refused))
            return
        transaction(lambda: self._record_submission(run.id, workload_id))

    def _refuse(self, run_id: str, refused: RunExit) -> None:
        run = self._app.runs.get(run_id)
        run.exited(refused)
        self._app.runs.save(run)

    def _record_submission(self, run_id: str, workload_id: str) -> None:
        run = self._app.runs.get(run_id)
        task = find_task(self._app.tasks, run)
        if handlers.run_submitted(run, task, workload_id) and task is not None:
            self._app.tasks.save(task)
        self._app.runs.save(run)

    def _follow(self, run: Run) -> None:
        overdue = (utc_now() - run.updated_at).total_seconds() > RESYNC_S
        try:
            if run.cancelled and (overdue or not run.cancel_sent):
                self._app.scheduler.cancel(run.workload_id)
                transaction(lambda: self._record_cancel(run.id))
            if overdue:
                workload = self._app.scheduler.workload(run.workload_id)
                transaction(lambda: apply_workload(self._app.runs, self._app.tasks, workload, touch=True))
        except NotFound:
            transaction(lambda: self._record_loss(run.id))

    def _record_cancel(self, run_id: str) -> None:
        run = self._app.runs.get(run_id)
        run.cancel_sent = True
        self._app.runs.save(run)

    def _record_loss(self, run_id: str) -> None:
        run = self._app.runs.get(run_id)
        run.lost()
        self._app.runs.save(run)

    def _close(self, run: Run) -> None:
        with tracing.span("trainer.judge", traceparent=run.traceparent, attributes=_told(run)):
            self._close_once(run)

    def _close_once(self, run: Run) -> None:
        verdict = handlers.judge_run(run, self._app.outputs)
        transaction(lambda: self._record_verdict(run.id, verdict))

    def _record_verdict(self, run_id: str, verdict: handlers.Verdict) -> None:
        run = self._app.runs.get(run_id)
        task = find_task(self._app.tasks, run)
        if handlers.close_run(run, task, verdict) and task is not None:
            self._app.tasks.save(task)
        self._app.runs.save(run)


def _told(run: Run) -> dict[str, str]:
    return {"modelyard.run_id": run.id, "modelyard.task_id": run.task_id}


class _Pass:
    """Advances runs, several at a time; one that cannot go on must not hold up the others."""

    def __init__(self, phase: RunPhase, advance: Callable[[Run], None]) -> None:
        self._phase = phase
        self._advance = advance
        self._unanswered: list[DomainError] = []
        self._failed: list[Exception] = []

    def advance(self, run: Run) -> None:
        if len(self._unanswered) >= PATIENCE:
            return
        with about(run_id=run.id, **run.related_ids), untraced(run.traceparent):
            try:
                self._advance(run)
            except Conflict as conflict:
                if conflict.reason == "FENCED":
                    self._failed.insert(0, conflict)
                log.info("run_changed_meanwhile")
            except (Unavailable, DeadlineExceeded) as error:
                self._unanswered.append(error)
            except Exception as error:  # whatever it was, it is raised when all had their turn
                log.exception("run_failed", phase=self._phase.value)
                self._failed.append(error)

    def raise_failures(self) -> None:
        if self._failed:
            raise self._failed[0]
        if self._unanswered:
            raise Unavailable(self._unanswered[-1].message)


def _is_final(error: DomainError, run: Run) -> bool:
    if isinstance(error, (Unavailable, DeadlineExceeded, Conflict)):
        return False
    return isinstance(error, FINAL) or (utc_now() - run.created_at).total_seconds() > GIVE_UP_S


def run(stop: threading.Event) -> None:
    app = build()
    reconciler = Reconciler(app)
    loops = [
        Loop(work.__name__, work, interval_s=2.0, wake_on=("runs",))
        for work in (reconciler.submit, reconciler.follow, reconciler.judge)
    ]
    forgetting = Forgetting(app, retention_settings().kept("runs"))
    loops.append(Loop("forget-runs", forgetting.run, interval_s=FORGET_S))
    control.run("trainer", kernel_settings(), loops, stop, counts=COUNTS)

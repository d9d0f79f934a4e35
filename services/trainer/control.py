"""Brings every open run on: submits it, cancels it, judges what it left."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import cache, partial

from protos.scheduler.v1 import workload_pb2
from services.kernel import control
from services.kernel.config import kernel_settings
from services.kernel.control import Loop
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
from services.kernel.retention import retention_settings
from services.kernel.values import BundleRef
from services.trainer import handlers
from services.trainer.bootstrap import App, build
from services.trainer.counts import COUNTS
from services.trainer.domain import Run, RunExit, RunPhase, Task
from services.trainer.forgetting import Forgetting
from services.trainer.passes import Pass, Step, Write
from services.trainer.ports import TrainingJob
from services.trainer.workloads import apply_workload, find_task

OVERDUE_S = 20.0
"""A submitted run that has not changed for so long is compared with its workload, should an event be late."""

COMPARE_S = 5.0
COMPARED = 200
"""So many runs are compared at once: most have not changed because they wait or train."""

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
        jobs: dict[str, TrainingJob] = {}
        # The runs of a long queue are often made of the same.
        prepare = partial(
            handlers.prepare_run,
            prepare_data=cache(self._app.datasets.prepare),
            algorithm_facts=cache(self._app.algorithms.facts),
        )
        runs = self._app.runs.select({"phase": RunPhase.PREPARING})
        Pass("submit").take(
            runs,
            # What it is made of is stored before it can run: its events may come before the answer does.
            Step(lambda run: self._prepare(run, prepare, jobs), "trainer.prepare"),
            Step(lambda run: self._submit(run, jobs), "trainer.submit"),
        )

    def cancel(self) -> None:
        """Submitted runs that were stopped, until the scheduler knows."""
        runs = self._app.runs.select({"phase": RunPhase.SUBMITTED, "cancelled": True, "cancel_sent": False})
        Pass("cancel").take(runs, Step(self._cancel))

    def compare(self) -> None:
        """Submitted runs that nothing was heard of for long are compared with their workloads."""
        overdue = {"$lt": utc_now() - timedelta(seconds=OVERDUE_S)}
        runs = self._app.runs.select({"phase": RunPhase.SUBMITTED, "updated_at": overdue}, limit=COMPARED)
        workloads = self._app.scheduler.workloads([run.workload_id for run in runs])
        Pass("compare").take(runs, Step(lambda run: self._compare(run, workloads.get(run.workload_id))))

    def judge(self) -> None:
        """Runs whose workload has ended."""
        runs = self._app.runs.select({"phase": RunPhase.EXITED})
        Pass("judge").take(runs, Step(self._close, "trainer.judge"))

    def _prepare(self, run: Run, prepare: Callable[[Run, Task], TrainingJob], jobs: dict[str, TrainingJob]) -> Write:
        task = find_task(self._app.tasks, run)
        if run.cancelled or task is None:
            return self._close(run)
        try:
            jobs[run.id] = prepare(run, task)
        except DomainError as error:
            return self._refusal(run, error)
        return lambda: self._app.runs.save(run)

    def _submit(self, run: Run, jobs: dict[str, TrainingJob]) -> Write | None:
        if run.id not in jobs:
            return None
        try:
            workload_id = self._app.scheduler.submit(jobs[run.id])
        except DomainError as error:
            return self._refusal(run, error)
        return lambda: self._record_submission(run.id, workload_id)

    def _refusal(self, run: Run, error: DomainError) -> Write:
        """How a run ends that can never be submitted; raises what may get better."""
        if not _is_final(error, run):
            raise error
        refused = RunExit(reason=error.reason.lower(), message=error.message, outputs=BundleRef())
        return lambda: self._change(run.id, lambda current: current.exited(refused))

    def _record_submission(self, run_id: str, workload_id: str) -> None:
        run = self._app.runs.get(run_id)
        task = find_task(self._app.tasks, run)
        if handlers.run_submitted(run, task, workload_id) and task is not None:
            self._app.tasks.save(task)
        self._app.runs.save(run)

    def _cancel(self, run: Run) -> Write:
        with suppress(NotFound):  # what is lost shows when it is compared
            self._app.scheduler.cancel(run.workload_id)
        return lambda: self._change(run.id, Run.cancel_heard)

    def _compare(self, run: Run, workload: workload_pb2.Workload | None) -> Write:
        if workload is None:
            return lambda: self._change(run.id, Run.lost)
        if run.cancelled:
            self._app.scheduler.cancel(run.workload_id)
        return lambda: apply_workload(self._app.runs, self._app.tasks, workload, touch=True)

    def _change(self, run_id: str, change: Callable[[Run], None]) -> None:
        run = self._app.runs.get(run_id)
        change(run)
        self._app.runs.save(run)

    def _close(self, run: Run) -> Write:
        verdict = handlers.judge_run(run, self._app.outputs)
        return lambda: self._record_verdict(run.id, verdict)

    def _record_verdict(self, run_id: str, verdict: handlers.Verdict) -> None:
        run = self._app.runs.get(run_id)
        task = find_task(self._app.tasks, run)
        if handlers.close_run(run, task, verdict) and task is not None:
            self._app.tasks.save(task)
        self._app.runs.save(run)


def _is_final(error: DomainError, run: Run) -> bool:
    if isinstance(error, (Unavailable, DeadlineExceeded, Conflict)):
        return False
    return isinstance(error, FINAL) or (utc_now() - run.created_at).total_seconds() > GIVE_UP_S


def run(stop: threading.Event) -> None:
    app = build()
    reconciler = Reconciler(app)
    loops = [
        Loop(work.__name__, work, interval_s=2.0, wake_on=("runs",))
        for work in (reconciler.submit, reconciler.cancel, reconciler.judge)
    ]
    loops.append(Loop("compare", reconciler.compare, interval_s=COMPARE_S))
    forgetting = Forgetting(app, retention_settings().kept("runs"))
    loops.append(Loop("forget-runs", forgetting.run, interval_s=FORGET_S))
    control.run("trainer", kernel_settings(), loops, stop, counts=COUNTS)

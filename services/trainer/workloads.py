"""What the state of a workload means for its run and task."""

from protos.scheduler.v1 import workload_pb2
from services.kernel.errors import NotFound
from services.kernel.values import BundleRef
from services.kernel.wire import from_message
from services.trainer import handlers
from services.trainer.domain import Run, RunExit, RunPhase, Step, Task
from services.trainer.ports import Runs, Tasks

SUBJECT = "run/"


def apply_workload(runs: Runs, tasks: Tasks, workload: workload_pb2.Workload, *, touch: bool = False) -> None:
    """Write the state of a workload into its run and task; without effect for what is known already.

    With `touch` the run is saved even when nothing changed, so that it is not asked for again at once.
    """
    if not workload.spec.subject.startswith(SUBJECT):
        return
    try:
        run = runs.get(workload.spec.subject.removeprefix(SUBJECT))
    except NotFound:
        return
    if run.phase is RunPhase.CLOSED:
        return
    task = find_task(tasks, run)
    before = (run.phase, run.workload_id)
    changed = handlers.run_submitted(run, task, workload.id)
    if workload.state == workload_pb2.Workload.STATE_EXITED:
        run.exited(_exit(workload.exit))
    if task is not None:
        changed = _apply_to_task(task, run, workload) or changed
    if touch or (run.phase, run.workload_id) != before:
        runs.save(run)
    if task is not None and changed:
        tasks.save(task)


def find_task(tasks: Tasks, run: Run) -> Task | None:
    """The task of a run, or None when it was deleted; the run still has to come to its end."""
    try:
        return tasks.get(run.task_id)
    except NotFound:
        return None


def _apply_to_task(task: Task, run: Run, workload: workload_pb2.Workload) -> bool:
    """Whether the task changed."""
    match workload.state:
        case workload_pb2.Workload.STATE_RUNNING:
            return handlers.workload_started(run, task)
        case workload_pb2.Workload.STATE_PENDING if workload.attempt > 0:
            return handlers.workload_lost(run, task)
        case workload_pb2.Workload.STATE_EXITED:
            return _keep_progress(task, run, workload)
        case _:
            return False


def _keep_progress(task: Task, run: Run, workload: workload_pb2.Workload) -> bool:
    """While a run goes on its progress is asked for; when it has ended the last of it stays with the task."""
    if task.run_id != run.id:
        return False
    task.progress = workload.progress
    task.steps = [from_message(step, Step) for step in workload.steps]
    return True


def _exit(result: workload_pb2.WorkloadExit) -> RunExit:
    reason = workload_pb2.WorkloadExit.Reason.Name(result.reason).removeprefix("REASON_").lower()
    outputs = from_message(result.outputs, BundleRef)
    return RunExit(reason=reason, message=result.message, outputs=outputs, code=result.code)

"""What the state of a workload means for its run and task."""

from protos.scheduler.v1 import workload_pb2
from services.kernel.errors import NotFound
from services.kernel.wire import from_message
from services.trainer import handlers
from services.trainer.domain import BundleRef, Run, RunExit, RunPhase, Step, Task
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
        task = tasks.get(run.task_id)
    except NotFound:
        return
    before = (run.phase, run.workload_id)
    if run.phase is RunPhase.CLOSED:
        return
    run.submitted(workload.id)
    changed = False
    if workload.state == workload_pb2.Workload.STATE_RUNNING:
        changed = handlers.workload_started(run, task)
    elif workload.state == workload_pb2.Workload.STATE_PENDING and workload.attempt > 0:
        changed = handlers.workload_lost(run, task)
    elif workload.state == workload_pb2.Workload.STATE_EXITED:
        run.exited(_exit(workload.exit))
        changed = _keep_progress(task, run, workload)
    if task.run_id == run.id and task.workload_id != workload.id:
        task.workload_id, changed = workload.id, True
    if touch or (run.phase, run.workload_id) != before:
        runs.save(run)
    if changed:
        tasks.save(task)


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

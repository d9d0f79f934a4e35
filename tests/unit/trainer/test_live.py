"""What the scheduler knows of a running task, as its users see it."""

from protos.scheduler.v1 import workload_pb2
from protos.trainer.v1 import task_pb2
from services.trainer.live import _fill


def test_a_step_that_runs_has_no_end() -> None:
    workload, task = workload_pb2.Workload(progress=0.5), task_pb2.Task()
    step = workload.steps.add(name="training", state="running")
    step.started_at.FromSeconds(1_790_000_000)
    _fill(task, workload)
    assert task.steps[0].started_at == step.started_at
    assert not task.steps[0].HasField("finished_at")

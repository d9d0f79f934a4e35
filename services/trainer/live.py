"""What the scheduler knows of a task that runs: progress, steps, metric points, log."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC

from protos.scheduler.v1 import workload_pb2
from protos.trainer.v1 import task_pb2
from services.kernel.entity import utc_now
from services.kernel.errors import DeadlineExceeded, NotFound, Unavailable
from services.kernel.grpc import client
from services.kernel.wire import to_message
from services.trainer.bootstrap import App
from services.trainer.domain import ACTIVE, Task

MAX_POINTS = 10_000


class Live:
    """Reads from the scheduler as the trainer itself: who may see the task has been decided."""

    def __init__(self, app: App) -> None:
        self._app = app

    def snapshot(self, task: Task) -> task_pb2.Task:
        """The task with the newest progress; what is stored when the scheduler does not answer."""
        return self.snapshots([task])[0]

    def snapshots(self, tasks: Sequence[Task]) -> list[task_pb2.Task]:
        """The same for a list; the scheduler is asked once."""
        messages = [to_message(task, task_pb2.Task) for task in tasks]
        active = {task.workload_id for task in tasks if task.workload_id and task.state in ACTIVE}
        workloads: dict[str, workload_pb2.Workload] = {}
        with client.as_itself("trainer"), suppress(Unavailable, DeadlineExceeded):
            workloads = self._app.scheduler.workloads(sorted(active))
        for message in messages:
            if message.workload_id in workloads:
                _fill(message, workloads[message.workload_id])
        return messages

    def metric_points(self, task: Task, name: str, after: int, limit: int) -> list[task_pb2.MetricPoint]:
        if not task.workload_id:
            return []
        points: Sequence[workload_pb2.MetricPoint] = []
        with client.as_itself("trainer"), suppress(NotFound):  # forgotten after a while
            points = self._app.scheduler.metric_points(task.workload_id, name, after, limit or MAX_POINTS)
        return [
            task_pb2.MetricPoint(name=p.name, step=p.step, value=p.value, time=p.time, index=p.index) for p in points
        ]

    def log(self, task: Task, offset: int) -> list[bytes]:
        if not task.workload_id:
            return []
        with client.as_itself("trainer"), suppress(NotFound):  # forgotten after a while
            return self._app.scheduler.log(task.workload_id, offset)
        return []


def _fill(message: task_pb2.Task, workload: workload_pb2.Workload) -> None:
    message.progress = workload.progress
    message.waiting_reason = workload.waiting_reason
    if message.HasField("started_at") and 0 < workload.progress < 1:
        started_at = message.started_at.ToDatetime(UTC)
        message.expected_end_at.FromDatetime(started_at + (utc_now() - started_at) / workload.progress)
    del message.steps[:]
    for step in workload.steps:
        told = message.steps.add(name=step.name, state=step.state)
        for moment in ("started_at", "finished_at"):
            if step.HasField(moment):
                getattr(told, moment).CopyFrom(getattr(step, moment))

"""gRPC edge of training: messages in, use cases, messages out."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator

from google.api import httpbody_pb2
from google.protobuf import empty_pb2

from protos.trainer.v1 import model_pb2, report_pb2, task_pb2
from services.kernel.config import kernel_settings
from services.kernel.entity import utc_now
from services.kernel.errors import FailedPrecondition
from services.kernel.grpc import server
from services.kernel.ids import new_id
from services.kernel.maintenance import DESCRIPTOR, MaintenanceRpc
from services.kernel.rights import require_caller, require_may_give, require_owner, require_visible, visible_query
from services.kernel.storage.changes import ChangeFeed
from services.kernel.storage.documents import require_etag
from services.kernel.wire import apply_mask, from_message, to_message
from services.trainer import handlers
from services.trainer.archives import zip_chunks
from services.trainer.bootstrap import App, build
from services.trainer.domain import ACTIVE, DEFAULT_TIME_LIMIT_S, Model, ModelVersion, Task
from services.trainer.live import Live
from services.trainer.maintenance import HELD, PATIENCE
from services.trainer.reports import to_report

_CHANGES_OF_OTHERS_S = 0.05
EDITABLE = {
    "name", "note", "parameters", "train_share", "seed", "resources", "time_limit_s", "dataset_id", "dataset_version",
    "algorithm_id", "visibility",
}  # fmt: skip


class TaskRpc:
    """`TaskService`."""

    def __init__(self, app: App, changes: ChangeFeed) -> None:
        self._app = app
        self._live = Live(app)
        self._changes = changes

    def _visible(self, task_id: str) -> Task:
        task = self._app.tasks.get(task_id)
        require_visible(task)
        return task

    def _own(self, task_id: str, etag: str = "") -> Task:
        task = self._app.tasks.get(task_id)
        require_owner(task)
        require_etag(task, etag)
        return task

    def CreateTask(self, request: task_pb2.CreateTaskRequest) -> task_pb2.Task:
        caller = require_caller()
        task = from_message(
            task_pb2.Task(
                name=request.task.name,
                note=request.task.note,
                algorithm_id=request.task.algorithm_id,
                dataset_id=request.task.dataset_id,
                dataset_version=request.task.dataset_version,
                train_share=request.task.train_share,
                seed=request.task.seed,
                parameters=request.task.parameters,
                resources=request.task.resources,
                visibility=request.task.visibility,
            ),
            Task,
            id=new_id("task"),
            owner=caller.user_id,
            project=caller.project,
            time_limit_s=request.task.time_limit_s or DEFAULT_TIME_LIMIT_S,
            created_at=utc_now(),
            updated_at=utc_now(),
        )
        require_may_give(task.visibility)
        app = self._app
        handlers.create_task(
            task,
            start=request.start,
            tasks=app.tasks,
            runs=app.runs,
            datasets=app.datasets,
            algorithms=app.algorithms,
        )
        return to_message(task, task_pb2.Task)

    def GetTask(self, request: task_pb2.GetTaskRequest) -> task_pb2.Task:
        return self._live.snapshot(self._visible(request.id))

    def ListTasks(self, request: task_pb2.ListTasksRequest) -> task_pb2.ListTasksResponse:
        query = visible_query()
        if request.state:
            query["state"] = task_pb2.Task.State.Name(request.state).removeprefix("STATE_").lower()
        page = self._app.tasks.page(query, page_size=request.page_size, page_token=request.page_token)
        return task_pb2.ListTasksResponse(
            tasks=self._live.snapshots(page.items),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    def UpdateTask(self, request: task_pb2.UpdateTaskRequest) -> task_pb2.Task:
        task = self._own(request.id, request.task.etag)
        apply_mask(task, request.task, request.update_mask, allowed=EDITABLE)
        task.time_limit_s = task.time_limit_s or DEFAULT_TIME_LIMIT_S
        require_may_give(task.visibility)
        app = self._app
        handlers.update_task(task, tasks=app.tasks, datasets=app.datasets, algorithms=app.algorithms)
        return to_message(task, task_pb2.Task)

    def DeleteTask(self, request: task_pb2.DeleteTaskRequest) -> empty_pb2.Empty:
        handlers.delete_task(self._own(request.id, request.etag), tasks=self._app.tasks)
        return empty_pb2.Empty()

    def StartTask(self, request: task_pb2.StartTaskRequest) -> task_pb2.Task:
        app, task = self._app, self._own(request.id, request.etag)
        handlers.start_task(task, tasks=app.tasks, runs=app.runs, datasets=app.datasets, algorithms=app.algorithms)
        return to_message(task, task_pb2.Task)

    def StopTask(self, request: task_pb2.StopTaskRequest) -> task_pb2.Task:
        task = self._own(request.id, request.etag)
        handlers.stop_task(task, tasks=self._app.tasks, runs=self._app.runs)
        return to_message(task, task_pb2.Task)

    def PublishTask(self, request: task_pb2.PublishTaskRequest) -> model_pb2.ModelVersion:
        app, task = self._app, self._own(request.id, request.etag)
        version = handlers.publish_task(
            task,
            request.model_name or task.name,
            tasks=app.tasks,
            runs=app.runs,
            library=app.library,
            outputs=app.outputs,
        )
        return to_message(version, model_pb2.ModelVersion)

    async def WatchTask(self, request: task_pb2.WatchTaskRequest) -> AsyncIterator[task_pb2.Task]:
        last, etag, due = None, "", 0.0
        async with self._changes.subscribe() as changes:
            while True:
                # A change of any task wakes; the progress of this one has to be asked for from time to time.
                await changes.wait(self._app.settings.poll_s)
                task = await asyncio.to_thread(self._visible, request.id)
                if task.etag == etag and time.monotonic() < due:
                    await asyncio.sleep(_CHANGES_OF_OTHERS_S)
                    continue
                message, etag = await asyncio.to_thread(self._live.snapshot, task), task.etag
                due = time.monotonic() + self._app.settings.poll_s
                if message != last:
                    last = message
                    yield message
                if task.state not in ACTIVE:
                    return

    def ListTaskMetrics(self, request: task_pb2.ListTaskMetricsRequest) -> task_pb2.ListTaskMetricsResponse:
        task = self._visible(request.id)
        points = self._live.metric_points(task, request.name, request.after, request.page_size)
        return task_pb2.ListTaskMetricsResponse(points=points, last_index=points[-1].index if points else 0)

    async def WatchTaskMetrics(self, request: task_pb2.WatchTaskMetricsRequest) -> AsyncIterator[task_pb2.MetricPoint]:
        after = request.after
        while True:
            task = await asyncio.to_thread(self._visible, request.id)
            points = await asyncio.to_thread(self._live.metric_points, task, "", after, 0)
            for point in points:
                after = point.index
                yield point
            if task.state not in ACTIVE and not points:
                return
            await asyncio.sleep(self._app.settings.poll_s)

    async def ReadTaskLog(self, request: task_pb2.ReadTaskLogRequest) -> AsyncIterator[httpbody_pb2.HttpBody]:
        offset = request.offset
        while True:
            task = await asyncio.to_thread(self._visible, request.id)
            chunks = await asyncio.to_thread(self._live.log, task, offset)
            for chunk in chunks:
                offset += len(chunk)
                yield httpbody_pb2.HttpBody(content_type="text/plain; charset=utf-8", data=chunk)
            if not chunks and (not request.follow or task.state not in ACTIVE):
                return
            if not chunks:
                await asyncio.sleep(self._app.settings.poll_s)

    def GetTaskReport(self, request: task_pb2.GetTaskReportRequest) -> report_pb2.Report:
        task = self._visible(request.id)
        if task.scores is None:
            raise FailedPrecondition(f"A task that is {task.state} has no report; it has to be finished.")
        return to_report(self._app.outputs.report(task.outputs))


class ModelRpc:
    """`ModelService`."""

    def __init__(self, app: App) -> None:
        self._app = app

    def _model(self, model_id: str) -> Model:
        model = self._app.models.get(model_id)
        require_visible(model)
        return model

    def _version(self, version_id: str) -> ModelVersion:
        version = self._app.versions.get(version_id)
        require_visible(version)
        return version

    def GetModel(self, request: model_pb2.GetModelRequest) -> model_pb2.Model:
        return to_message(self._model(request.id), model_pb2.Model)

    def ListModels(self, request: model_pb2.ListModelsRequest) -> model_pb2.ListModelsResponse:
        page = self._app.models.page(visible_query(), page_size=request.page_size, page_token=request.page_token)
        return model_pb2.ListModelsResponse(
            models=[to_message(model, model_pb2.Model) for model in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    def ListModelVersions(self, request: model_pb2.ListModelVersionsRequest) -> model_pb2.ListModelVersionsResponse:
        query = {"model_id": self._model(request.model_id).id}
        page = self._app.versions.page(query, page_size=request.page_size, page_token=request.page_token)
        return model_pb2.ListModelVersionsResponse(
            model_versions=[to_message(version, model_pb2.ModelVersion) for version in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    def GetModelVersion(self, request: model_pb2.GetModelVersionRequest) -> model_pb2.ModelVersion:
        return to_message(self._version(request.id), model_pb2.ModelVersion)

    async def DownloadModelVersion(
        self, request: model_pb2.DownloadModelVersionRequest
    ) -> AsyncIterator[httpbody_pb2.HttpBody]:
        version = await asyncio.to_thread(self._version, request.id)
        chunks: Iterator[bytes] = zip_chunks(self._app.store, version.bundle)
        while chunk := await asyncio.to_thread(next, chunks, b""):
            yield httpbody_pb2.HttpBody(content_type="application/zip", data=chunk)

    def DeleteModel(self, request: model_pb2.DeleteModelRequest) -> empty_pb2.Empty:
        model = self._app.models.get(request.id)
        require_owner(model)
        require_etag(model, request.etag)
        model.happened("deleted")
        for version in self._app.versions.find(model_id=model.id):
            self._app.versions.delete(version)
        self._app.models.delete(model)
        return empty_pb2.Empty()


def run(stop: threading.Event) -> None:
    app, changes = build(), ChangeFeed(["tasks"], name="changes-tasks").start()
    registrations = [
        (TaskRpc(app, changes), task_pb2.DESCRIPTOR.services_by_name["TaskService"]),
        (ModelRpc(app), model_pb2.DESCRIPTOR.services_by_name["ModelService"]),
        (MaintenanceRpc("trainer", HELD, PATIENCE), DESCRIPTOR),
    ]
    try:
        server.run("trainer", kernel_settings(), registrations, stop)
    finally:
        changes.stop()

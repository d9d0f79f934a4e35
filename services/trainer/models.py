"""How tasks, runs and models are stored."""

from typing import ClassVar

from protos.trainer.v1 import model_pb2, task_pb2
from services.kernel.storage.documents import AggregateDocument, Repository
from services.kernel.wire import to_message
from services.trainer.domain import Model, ModelVersion, Run, Task
from services.trainer.telemetry import observe_task


class TaskDocument(AggregateDocument):
    meta: ClassVar[dict[str, object]] = {"collection": "tasks", "indexes": ["owner", "state", "dataset_id"]}


class RunDocument(AggregateDocument):
    meta: ClassVar[dict[str, object]] = {
        "collection": "runs",
        "indexes": [
            ["phase", "updated_at"],
            {"fields": ["cancelled", "cancel_sent"], "partialFilterExpression": {"cancelled": True}},
            "workload_id",
            "task_id",
        ],
    }


class ModelDocument(AggregateDocument):
    meta: ClassVar[dict[str, object]] = {
        "collection": "models",
        "indexes": [{"fields": ["owner", "name"], "unique": True}],
    }


class ModelVersionDocument(AggregateDocument):
    meta: ClassVar[dict[str, object]] = {
        "collection": "model_versions",
        "indexes": [{"fields": ["model_id", "number"], "unique": True}],
    }


DOCUMENTS = (TaskDocument, RunDocument, ModelDocument, ModelVersionDocument)


def task_repository() -> Repository[Task]:
    return Repository(
        TaskDocument,
        Task,
        aggregate="task",
        snapshot=lambda task: to_message(task, task_pb2.Task),
        observed=observe_task,
    )


def run_repository() -> Repository[Run]:
    return Repository(RunDocument, Run, aggregate="run", snapshot=None)


def model_repository() -> Repository[Model]:
    return Repository(
        ModelDocument, Model, aggregate="model", snapshot=lambda model: to_message(model, model_pb2.Model)
    )


def model_version_repository() -> Repository[ModelVersion]:
    return Repository(ModelVersionDocument, ModelVersion, aggregate="model_version", snapshot=None)

"""Puts the trainer together; the only place that does."""

from dataclasses import dataclass

from services.kernel.storage import mongo
from services.kernel.storage.documents import Repository
from services.kernel.storage.objects import MinioStore, ObjectStore
from services.trainer import models
from services.trainer.adapters.outputs import StoredOutputs
from services.trainer.adapters.peers import AlgorithmClient, DatasetClient, SchedulerClient
from services.trainer.config import TrainerSettings, settings
from services.trainer.domain import Model, ModelVersion, Run, Task
from services.trainer.handlers import Library


@dataclass(frozen=True)
class App:
    """Everything that the entrypoints need."""

    settings: TrainerSettings
    tasks: Repository[Task]
    runs: Repository[Run]
    models: Repository[Model]
    versions: Repository[ModelVersion]
    store: ObjectStore
    outputs: StoredOutputs
    datasets: DatasetClient
    algorithms: AlgorithmClient
    scheduler: SchedulerClient

    @property
    def library(self) -> Library:
        return Library(self.models, self.versions)


def build() -> App:
    configured = settings()
    mongo.connect(configured, "trainer")
    store = MinioStore(configured)
    return App(
        settings=configured,
        tasks=models.task_repository(),
        runs=models.run_repository(),
        models=models.model_repository(),
        versions=models.model_version_repository(),
        store=store,
        outputs=StoredOutputs(store),
        datasets=DatasetClient(configured),
        algorithms=AlgorithmClient(configured),
        scheduler=SchedulerClient(configured),
    )

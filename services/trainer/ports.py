"""What the use cases of training need from outside."""

from dataclasses import dataclass
from typing import Protocol

from services.kernel.values import BundleRef, Interface, Purpose, Resources
from services.trainer.domain import Model, ModelVersion, Run, Scores, Task


@dataclass(frozen=True)
class DatasetFacts:
    """What a task has to know of a data set."""

    id: str
    purpose: Purpose
    format: str
    online: bool
    independent_test_set: bool
    version: int


@dataclass(frozen=True)
class TrainingData:
    """The files of a data set and the manifest (SHA-256 of a blob) that fixes the split."""

    bundle: BundleRef
    manifest: str
    version: int
    classes: tuple[str, ...]


@dataclass(frozen=True)
class AlgorithmFacts:
    """What a task has to know of an algorithm."""

    id: str
    name: str
    major_version: int
    purpose: Purpose
    data_formats: tuple[str, ...]
    online: bool
    command: tuple[str, ...]
    env: dict[str, str]
    parameters_schema: str
    code: BundleRef
    code_hash: str


@dataclass(frozen=True)
class TrainingJob:
    """A run, ready for the scheduler."""

    run_id: str
    name: str
    owner: str
    project: str
    command: tuple[str, ...]
    env: dict[str, str]
    code: BundleRef
    data: TrainingData
    parameters: str
    resources: Resources
    time_limit_s: int


@dataclass(frozen=True)
class TrainedModel:
    """The model folder that a run wrote, checked."""

    framework: str
    labels: list[str]
    interface: Interface
    bundle: BundleRef


class Datasets(Protocol):
    def facts(self, dataset_id: str) -> DatasetFacts: ...

    def prepare(self, dataset_id: str, version: int, train_share: float, seed: int) -> TrainingData: ...


class Algorithms(Protocol):
    def facts(self, algorithm_id: str) -> AlgorithmFacts: ...


class Scheduler(Protocol):
    def submit(self, job: TrainingJob) -> str:
        """Submit once, however often it is called with the same run; returns the workload's id."""

    def cancel(self, workload_id: str) -> None: ...


class Outputs(Protocol):
    """The folder that a run wrote. Problems raise `OutputInvalid` with what was expected."""

    def scores(self, outputs: BundleRef) -> Scores: ...

    def model(self, outputs: BundleRef) -> TrainedModel: ...


class Tasks(Protocol):
    def get(self, entity_id: str) -> Task: ...

    def add(self, entity: Task) -> None: ...

    def save(self, entity: Task) -> None: ...

    def delete(self, entity: Task) -> None: ...


class Runs(Protocol):
    def get(self, entity_id: str) -> Run: ...

    def add(self, entity: Run) -> None: ...

    def save(self, entity: Run) -> None: ...

    def find_one(self, **equals: object) -> Run | None: ...


class Models(Protocol):
    def find_one(self, **equals: object) -> Model | None: ...

    def add(self, entity: Model) -> None: ...

    def save(self, entity: Model) -> None: ...


class ModelVersions(Protocol):
    def get(self, entity_id: str) -> ModelVersion: ...

    def add(self, entity: ModelVersion) -> None: ...

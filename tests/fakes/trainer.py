"""Fakes of what the use cases of training need."""

import copy
from typing import Generic, TypeVar

from services.kernel.entity import Entity
from services.kernel.errors import AlreadyExists, Conflict, NotFound
from services.kernel.values import BundleRef, Interface, InterfaceParameter, Purpose
from services.trainer.domain import Scores
from services.trainer.handlers import OutputInvalid
from services.trainer.ports import AlgorithmFacts, DatasetFacts, TrainedModel, TrainingData, TrainingJob

E = TypeVar("E", bound=Entity)


class FakeRepository(Generic[E]):
    """Aggregates in memory, with the conditional save of the real one. `events` is what the outbox would hold."""

    def __init__(self) -> None:
        self._stored: dict[str, E] = {}
        self.events: list[str] = []

    def get(self, entity_id: str) -> E:
        if entity_id not in self._stored:
            raise NotFound(f"There is no {entity_id}.")
        return copy.deepcopy(self._stored[entity_id])

    def find_one(self, **equals: object) -> E | None:
        matches = (e for e in self._stored.values() if all(getattr(e, k) == v for k, v in equals.items()))
        return copy.deepcopy(next(matches, None))

    def add(self, entity: E) -> None:
        if entity.id in self._stored:
            raise AlreadyExists(entity.id)
        self._write(entity)

    def save(self, entity: E) -> None:
        if self._stored[entity.id].version != entity.version:
            raise Conflict(entity.id)
        self._write(entity)

    def delete(self, entity: E) -> None:
        self.save(entity)
        del self._stored[entity.id]

    def _write(self, entity: E) -> None:
        self.events.extend(entity.pending)
        entity.version += 1
        entity.sequence += len(entity.pending)
        entity.pending.clear()
        self._stored[entity.id] = copy.deepcopy(entity)


class FakeDatasets:
    def __init__(self, **changes: object) -> None:
        values: dict[str, object] = {
            "id": "ds-1",
            "purpose": Purpose("image", "classification"),
            "format": "dir",
            "online": True,
            "independent_test_set": False,
            "version": 1,
        }
        self._facts = DatasetFacts(**{**values, **changes})  # type: ignore[arg-type]

    def facts(self, dataset_id: str) -> DatasetFacts:
        return self._facts

    def prepare(self, dataset_id: str, version: int, train_share: float, seed: int) -> TrainingData:
        return TrainingData(BundleRef("d" * 64, 10, 100), f"manifest-{train_share}-{seed}", version, ("a", "b"))


class FakeAlgorithms:
    SCHEMA = '{"type": "object", "properties": {"epochs": {"type": "integer", "minimum": 1, "default": 3}}}'

    def __init__(self, **changes: object) -> None:
        values: dict[str, object] = {
            "id": "alg-1",
            "name": "image_classification",
            "major_version": 3,
            "purpose": Purpose("image", "classification"),
            "data_formats": ("dir",),
            "online": True,
            "command": ("python", "train.py"),
            "env": {},
            "parameters_schema": self.SCHEMA,
            "code": BundleRef("c" * 64, 3, 30),
            "code_hash": "hash",
        }
        self._facts = AlgorithmFacts(**{**values, **changes})  # type: ignore[arg-type]

    def facts(self, algorithm_id: str) -> AlgorithmFacts:
        return self._facts


class FakeScheduler:
    """Submits once a run, as the real one."""

    def __init__(self) -> None:
        self.jobs: dict[str, TrainingJob] = {}
        self.cancelled: list[str] = []

    def submit(self, job: TrainingJob) -> str:
        self.jobs.setdefault(job.run_id, job)
        return f"wl-{job.run_id}"

    def cancel(self, workload_id: str) -> None:
        self.cancelled.append(workload_id)


class FakeOutputs:
    def __init__(self, *, problem: str = "") -> None:
        self._problem = problem

    def scores(self, outputs: BundleRef) -> Scores:
        if self._problem:
            raise OutputInvalid(self._problem)
        return Scores(accuracy=0.9, precision=0.9, recall=0.9, f1=0.9)

    def model(self, outputs: BundleRef) -> TrainedModel:
        interface = Interface("classify", parameters=(InterfaceParameter("image", "image"),))
        return TrainedModel("onnx", ["a", "b"], interface, BundleRef("m" * 64, 2, 20))

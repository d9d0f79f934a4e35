"""Puts the scheduler together; the only place that does."""

import threading
from dataclasses import dataclass
from functools import lru_cache

from services.kernel.storage import mongo
from services.kernel.storage.documents import Repository
from services.kernel.storage.objects import MinioStore
from services.scheduler import models
from services.scheduler.config import SchedulerSettings, settings
from services.scheduler.domain import Node, Workload
from services.scheduler.models import StoredFences, StoredLogs, StoredPoints


@dataclass(frozen=True)
class App:
    """Everything that the entrypoints need."""

    settings: SchedulerSettings
    workloads: Repository[Workload]
    nodes: Repository[Node]
    fences: StoredFences
    logs: StoredLogs
    points: StoredPoints


_building = threading.Lock()


def build() -> App:
    """The application of this process. Several roles share it: connecting again would close what the others use."""
    with _building:
        return _build()


@lru_cache(maxsize=1)
def _build() -> App:
    configured = settings()
    mongo.connect(configured, "scheduler")
    return App(
        settings=configured,
        workloads=models.workload_repository(),
        nodes=models.node_repository(),
        fences=StoredFences(),
        logs=StoredLogs(MinioStore(configured)),
        points=StoredPoints(),
    )

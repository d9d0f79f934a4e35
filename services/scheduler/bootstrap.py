"""Puts the scheduler together; the only place that does."""

from dataclasses import dataclass

from services.kernel.storage import mongo
from services.kernel.storage.documents import Repository
from services.kernel.storage.objects import MinioStore
from services.scheduler import models
from services.scheduler.adapters.ledger import StoredLedger
from services.scheduler.config import SchedulerSettings, settings
from services.scheduler.domain import Node, Queue, Workload
from services.scheduler.models import StoredFences, StoredLogs, StoredPoints, StoredTotals


@dataclass(frozen=True)
class App:
    """Everything that the entrypoints need."""

    settings: SchedulerSettings
    workloads: Repository[Workload]
    nodes: Repository[Node]
    queues: Repository[Queue]
    totals: StoredTotals
    fences: StoredFences
    ledger: StoredLedger
    logs: StoredLogs
    points: StoredPoints


def build() -> App:
    """Connect the process and wire it."""
    configured = settings()
    mongo.connect(configured, "scheduler")
    return App(
        settings=configured,
        workloads=models.workload_repository(),
        nodes=models.node_repository(),
        queues=models.queue_repository(),
        totals=StoredTotals(),
        fences=StoredFences(),
        ledger=StoredLedger(),
        logs=StoredLogs(MinioStore(configured)),
        points=StoredPoints(),
    )

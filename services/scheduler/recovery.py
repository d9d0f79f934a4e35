"""What a restored backup needs here: nothing that ran when it was taken runs now."""

from services.kernel.storage.mongo import collection_of
from services.scheduler import models
from services.scheduler.domain import NodeState
from services.scheduler.handlers.placement import leased_workloads
from services.scheduler.models import CounterDocument, NodeDocument

FENCES_SKIPPED = 1_000_000
"""More leases than the lost platform can have granted after the backup: none of its fences is valid any more."""


def recover() -> str:
    """Let all workloads wait for another start, and nodes for a heartbeat; what was done, in words. May be repeated."""
    collection_of(CounterDocument).update_one({"_id": "fence"}, {"$inc": {"value": FENCES_SKIPPED}}, upsert=True)
    collection_of(NodeDocument).update_many({"state": NodeState.READY}, {"$set": {"state": NodeState.LOST}})
    workloads = models.workload_repository()
    found = leased_workloads(workloads)
    for workload in found:
        workload.interrupted()
        workloads.save(workload)
    return f"{len(found)} workloads wait for another start"

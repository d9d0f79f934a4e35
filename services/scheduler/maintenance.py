"""What the scheduler needs of the object store, and what should not take long."""

from datetime import timedelta

from services.kernel.maintenance import BLOB, FOLDER, Held, Patience
from services.scheduler.domain import NodeState, WorkloadState
from services.scheduler.models import NodeDocument, WorkloadDocument

_NOT_ENDED = {"state": {"$ne": WorkloadState.EXITED.value}}

HELD = (
    Held(WorkloadDocument, "spec.inputs.bundle.index", query=_NOT_ENDED),
    Held(WorkloadDocument, "spec.inputs.blob", BLOB, query=_NOT_ENDED),
    # Until whoever asked for the workload has heard of its end, nobody else holds its outputs.
    Held(WorkloadDocument, "exit.outputs.index"),
    Held(WorkloadDocument, "_id", FOLDER, prefix="logs/"),
)
PATIENCE = (
    Patience(
        "workload",
        WorkloadDocument,
        {WorkloadState.PLACED.value: timedelta(minutes=30), WorkloadState.STOPPING.value: timedelta(minutes=75)},
        detail="waiting_reason",
    ),
    Patience("node", NodeDocument, {NodeState.LOST.value: timedelta()}, detail="name"),
)

"""What the trainer needs of the object store, what should not take long, and what is forgotten."""

from datetime import timedelta

from services.kernel.maintenance import BLOB, Held, Patience
from services.trainer.domain import RunPhase
from services.trainer.models import ModelVersionDocument, RunDocument, TaskDocument

HELD = (
    Held(TaskDocument, "outputs.index"),
    Held(RunDocument, "manifest", BLOB),
    # Of a closed run the task has the outputs, or nobody.
    Held(RunDocument, "exit.outputs.index", query={"phase": {"$ne": RunPhase.CLOSED.value}}),
    Held(ModelVersionDocument, "bundle.index"),
    Held(ModelVersionDocument, "provenance.manifest", BLOB),
)
_SOON = timedelta(minutes=10)
PATIENCE = (
    Patience(
        "run",
        RunDocument,
        {RunPhase.PREPARING.value: _SOON, RunPhase.EXITED.value: _SOON},
        state="phase",
        detail="task_id",
    ),
)

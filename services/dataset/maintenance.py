"""What the data-set service needs of the object store, and what of it should not take long."""

from datetime import timedelta

from services.dataset.domain import State
from services.dataset.models import DatasetDocument, DatasetVersionDocument
from services.kernel.maintenance import Held, Patience

HELD = (
    Held(DatasetDocument, "current.bundle.index"),
    Held(DatasetVersionDocument, "content.bundle.index"),
)
PATIENCE = (Patience("dataset", DatasetDocument, {State.IMPORTING.value: timedelta(hours=6)}, detail="name"),)

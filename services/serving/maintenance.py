"""What serving needs of the object store, and what should not take long."""

from datetime import timedelta

from services.kernel.maintenance import Held, Patience
from services.serving.domain import ServiceState
from services.serving.models import ServiceDocument

_SOON = timedelta(minutes=15)

HELD = (Held(ServiceDocument, "bundle.index"),)
PATIENCE = (
    Patience(
        "service",
        ServiceDocument,
        {ServiceState.STARTING.value: _SOON, ServiceState.STOPPING.value: _SOON},
        detail="waiting_reason",
    ),
)

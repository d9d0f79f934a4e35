"""How many services there are, for Prometheus."""

from prometheus_client import Gauge

from services.kernel.census import Count, by_field
from services.serving.domain import ServiceState
from services.serving.models import ServiceDocument

SERVICES = Gauge("modelyard_services", "Model services", ["state"])

COUNTS: tuple[Count, ...] = ((SERVICES, by_field(ServiceDocument, "state", [state.value for state in ServiceState])),)

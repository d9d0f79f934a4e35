"""How many data sets there are, for Prometheus."""

from prometheus_client import Gauge

from services.dataset.domain import State
from services.dataset.models import DatasetDocument
from services.kernel.census import Count, by_field

DATASETS = Gauge("modelyard_datasets", "Data sets", ["state"])

COUNTS: tuple[Count, ...] = ((DATASETS, by_field(DatasetDocument, "state", [state.value for state in State])),)

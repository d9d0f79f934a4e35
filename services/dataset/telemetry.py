"""What Prometheus learns of imports."""

from prometheus_client import Counter, Histogram

from services.dataset.domain import Dataset, State
from services.kernel.metrics import SLOW

IMPORTS = Histogram("modelyard_import_duration_seconds", "Imports, by how they ended", ["outcome"], buckets=SLOW)
FILES = Counter("modelyard_import_files_total", "Files in versions that were imported")
BYTES = Counter("modelyard_import_bytes_total", "Bytes in versions that were imported")


def observe_import(dataset: Dataset, seconds: float) -> None:
    """An import ended, well or with problems."""
    done = dataset.state is State.IMPORTED
    IMPORTS.labels("imported" if done else "refused").observe(seconds)
    if done and dataset.current is not None:
        FILES.inc(dataset.current.bundle.files)
        BYTES.inc(dataset.current.bundle.bytes)

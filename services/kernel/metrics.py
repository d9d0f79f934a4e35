"""The metrics endpoint of a process, and what all its metrics have in common.

Names are `modelyard_<what>_<base unit>`; labels take values from the code, the protos or the configuration only, never
from users, so that their number is bounded. What describes the platform as a whole (`Census`) is told by one process
of each service: the holder of its control lease.
"""

import importlib.metadata
import platform
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from prometheus_client import Gauge, disable_created_metrics, start_http_server

FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Buckets, in seconds, of what answers somebody who waits."""
SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0)
"""Buckets, in seconds, of work in the background."""

BUILD = Gauge("modelyard_build_info", "1; the labels say what runs", ["service", "role", "version", "python"])
DISK_FREE = Gauge("modelyard_disk_free_bytes", "Bytes left on the disk that holds a folder of ours", ["folder"])
DISK_SIZE = Gauge("modelyard_disk_size_bytes", "Bytes of the disk that holds a folder of ours", ["folder"])

Values = Mapping[tuple[str, ...], float]
"""Values of one gauge by the values of its labels."""


def serve(service: str, role: str, host: str, port: int) -> None:
    """Answer Prometheus at `http://host:port/metrics` from a thread of its own."""
    try:
        version = importlib.metadata.version("modelyard")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each counter, which nobody reads
    BUILD.labels(service, role, version, platform.python_version()).set(1)
    start_http_server(port, addr=host)


def watch_disk(folder: str, path: Path) -> None:
    """Tell how full the disk of `path` is, under the name `folder`; measured when Prometheus asks."""
    DISK_FREE.labels(folder).set_function(lambda: _usage(path)[0])
    DISK_SIZE.labels(folder).set_function(lambda: _usage(path)[1])


def _usage(path: Path) -> tuple[float, float]:
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return float("nan"), float("nan")
    return float(usage.free), float(usage.total)


class Census:
    """Gauges that describe the whole, taken from the database by whoever holds the control lease.

    Each count gives all values of its gauge; what it does not name any more disappears.
    """

    def __init__(self, counts: Sequence[tuple[Gauge, Callable[[], Values]]]) -> None:
        self._counts = counts
        self._shown: dict[Gauge, set[tuple[str, ...]]] = {}
        self._turn = threading.Lock()
        self._over = False

    def take(self) -> None:
        """Count, and show the result."""
        for gauge, count in self._counts:
            values = count()
            with self._turn:
                if not self._over:
                    self._show(gauge, values)

    def close(self) -> None:
        """Show nothing any more: another process tells it now."""
        with self._turn:
            self._over = True
            for gauge in list(self._shown):
                self._show(gauge, {})

    def _show(self, gauge: Gauge, values: Values) -> None:
        for labels in self._shown.get(gauge, set()) - values.keys():
            gauge.remove(*labels)
        for labels, value in values.items():
            gauge.labels(*labels).set(value)
        self._shown[gauge] = set(values)

"""The engine `simulated`: workloads that take time and leave the smallest valid result, but compute nothing.

For measuring the platform around them, and for clusters larger than the machine. Everything else is real: leases,
reports, the stored output. What runs is known to this process only; after a restart of the agent it begins again.
"""

import json
import shutil
import threading
import time
from dataclasses import dataclass, field

from services.scheduler.domain import WorkloadSpec
from services.scheduler.engines.process.engine import Place, ProcessStatus
from services.scheduler.engines.process.shim.files import Exit

DURATION = "MODELYARD_SIMULATED_S"
"""Variable of the workload that says how many seconds it takes; 0 when it is not there."""

_LABELS = ["simulated"]
_SCORES = {"accuracy": 0.0, "precision": 0.0, "recall": 0.0, "f1": 0.0}
_OUTPUT = {
    "report.json": {"format": "modelyard-report/1", "overall": _SCORES, "classes": _LABELS},
    "model/model.yaml": {  # JSON is YAML
        "format": "modelyard-model/1",
        "framework": "onnx",
        "weights": "model.onnx",
        "labels": _LABELS,
        "interface": {"name": "simulated", "parameters": []},
    },
    "model/model.onnx": {},
}
_ENDINGS = {"completed": "It was simulated to its end.", "cancelled": "It was cancelled."}


@dataclass
class _Simulation:
    ends_at: float
    reason: str = "completed"


@dataclass
class SimulatedEngine:
    """Implements `Engine`; safe for use by several threads."""

    needs_inputs: bool = False
    _running: dict[str, _Simulation] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, place: Place, spec: WorkloadSpec) -> None:
        key = str(place.folder)
        with self._lock:
            if key in self._running:
                return
        for name, content in _OUTPUT.items():
            path = place.output / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))
        duration = float(spec.env.get(DURATION, "0"))
        with self._lock:
            self._running[key] = _Simulation(time.monotonic() + duration)

    def status(self, place: Place) -> ProcessStatus:
        found = self._of(place)
        if found is None:
            return ProcessStatus.NEW
        return ProcessStatus.RUNNING if time.monotonic() < found.ends_at else ProcessStatus.ENDED

    def started(self, place: Place) -> bool:
        return self._of(place) is not None

    def exit(self, place: Place) -> Exit | None:
        found = self._of(place)
        if found is None or time.monotonic() < found.ends_at:
            return None
        message = _ENDINGS.get(found.reason, f"It was ended: {found.reason}.")
        return Exit(found.reason, 0, 0, message, 0, 0, time.time())

    def stop(self, place: Place, cause: str, grace_s: float) -> None:  # it needs no grace
        found, now = self._of(place), time.monotonic()
        if found is not None and now < found.ends_at:
            found.reason, found.ends_at = cause, now

    def prepare_restart(self, place: Place) -> None:
        with self._lock:
            self._running.pop(str(place.folder), None)

    def remove(self, place: Place) -> None:
        self.prepare_restart(place)
        shutil.rmtree(place.folder, ignore_errors=True)

    def _of(self, place: Place) -> _Simulation | None:
        with self._lock:
            return self._running.get(str(place.folder))

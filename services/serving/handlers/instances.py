"""Triton's processes, where they can be seen: those that died are noticed at once, those left behind are ended."""

import time
from collections.abc import Callable, Collection

from services.kernel.logging import get_logger
from services.serving.ports import Processes

LEFT_BEHIND_S = 10.0
"""For how long a process may be of no use before it is ended: one that is unloaded finishes its requests first."""

log = get_logger(__name__)


class InstanceWatch:
    """Triton leaves a dead instance dead, says that the model is ready, and keeps its sisters for ever when the model
    is loaded anew or unloaded."""

    def __init__(self, processes: Processes, clock: Callable[[], float] = time.monotonic) -> None:
        self._processes = processes
        self._clock = clock
        self._known: dict[str, frozenset[int]] = {}
        self._replaced: set[int] = set()
        self._useless_since: dict[int, float] = {}

    def settle(self, service_id: str) -> None:
        """All instances have answered, and nothing was loaded lately: what serves now is to stay."""
        self._known[service_id] = self._of(service_id) - self._replaced

    def forget(self, service_id: str) -> None:
        """It is loaded or unloaded: what served until now may go."""
        self._known.pop(service_id, None)

    def has_lost(self, service_id: str) -> bool:
        known = self._known.get(service_id)
        return bool(known) and not known <= self._of(service_id)  # type: ignore[operator]  # bool() excludes None

    def replace(self, service_id: str) -> None:
        """What serves now is about to be replaced because some of it died."""
        self._replaced |= self._of(service_id)
        self.forget(service_id)

    def end_left_behind(self, loaded: Collection[str]) -> None:
        """End what has been of no use for LEFT_BEHIND_S. `loaded` are the services that Triton has."""
        now, serving = self._clock(), self._processes.serving()
        self._replaced &= serving.keys()
        useless = {pid for pid, service_id in serving.items() if pid in self._replaced or service_id not in loaded}
        self._useless_since = {pid: self._useless_since.get(pid, now) for pid in useless}
        for pid, since in self._useless_since.items():
            if now - since >= LEFT_BEHIND_S:
                log.warning("instance_left_behind", service_id=serving[pid], pid=pid)
                self._processes.end(pid)

    def _of(self, service_id: str) -> frozenset[int]:
        return frozenset(pid for pid, served in self._processes.serving().items() if served == service_id)

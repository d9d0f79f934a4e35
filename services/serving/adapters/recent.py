"""Services as they were read last, for the many reads of predictions."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from services.serving.domain import Service
from services.serving.ports import ServiceReader

KEPT_S = 3.0
_MOST = 10_000


@dataclass(frozen=True)
class _Known:
    service: Service
    generation: int
    until: float


class RecentServices:
    """Reads a service once as long as `generation`, which every write to services changes, stays the same.

    What it gives out is shared by all threads and must not be changed. After KEPT_S it is read again in any case.
    """

    def __init__(
        self, services: ServiceReader, generation: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._services = services
        self._generation = generation
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def get(self, entity_id: str) -> Service:
        """The service, or NotFound."""
        now, generation = self._clock(), self._generation()
        known = self._known.get(entity_id)
        if known is not None and known.generation == generation and now < known.until:
            return known.service
        service = self._services.get(entity_id)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[entity_id] = _Known(service, generation, now + KEPT_S)
        return service

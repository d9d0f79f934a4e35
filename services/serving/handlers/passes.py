"""Passes over services side by side, and the order in which their models are loaded."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context

from services.serving.domain import Service

PARALLEL = 8
PATIENCE_S = 1.0


class Passes:
    """One pass for each service at the same time. One that takes long goes on while the others have their next."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="service")
        self._running: dict[str, Future[Exception | None]] = {}

    @property
    def busy(self) -> set[str]:
        """Services whose pass of an earlier round goes on."""
        return {service_id for service_id, running in self._running.items() if not running.done()}

    def run(self, services: Sequence[Service], work: Callable[[Service], Exception | None]) -> list[Exception]:
        """Begin a pass for each service that has none; what failed of those that ended within PATIENCE_S."""
        for service in services:
            if service.id not in self._running:
                self._running[service.id] = self._pool.submit(copy_context().run, work, service)
        ended, _ = wait(self._running.values(), timeout=PATIENCE_S)
        self._running = {name: running for name, running in self._running.items() if running not in ended}
        return [failure for one in ended if (failure := one.result()) is not None]


class LoadGate:
    """Models are loaded side by side, but one during whose load Triton ended is loaded alone: so it shows whose fault
    it was."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._alone = False

    @contextmanager
    def entered(self, *, alone: bool) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._alone and not (alone and self._inside))
            self._inside += 1
            self._alone = alone
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._alone = False
                self._changed.notify_all()

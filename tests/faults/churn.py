"""Replaces services one by one while faults go on, so that starting, stopping and deleting are hit as well."""

import threading
import traceback
from collections.abc import Sequence

from tests.faults.driver import Driver


class Churn(threading.Thread):
    """Each `turn()` takes the oldest service away and starts another, until `total` have been started."""

    def __init__(self, driver: Driver, services: Sequence[tuple[str, int]], total: int) -> None:
        super().__init__(name="churn", daemon=True)
        self._driver, self._services, self._total = driver, services, total
        self._turn = threading.Semaphore(0)
        self._ending = False
        self.failures: list[str] = []

    def turn(self) -> None:
        self._turn.release()

    def run(self) -> None:
        while len(self._driver.history.services) < self._total:
            self._turn.acquire()
            if self._ending:
                return
            try:
                self._replace()
            except Exception:
                self.failures.append(traceback.format_exc())
                self._driver.history.trouble(f"a service was not replaced: {self.failures[-1]}")

    def _replace(self) -> None:
        number = len(self._driver.history.services)
        prefix, load = self._services[number % len(self._services)]
        self._driver.stop_service(self._driver.loads[0])
        self._driver.start_service(prefix, load)

    def finish(self) -> None:
        """Wait for the replacement that goes on; the others are left out."""
        self._ending = True
        self._turn.release()
        self.join(600)

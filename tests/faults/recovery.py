"""From a fault until everything works again, seen as a user sees it."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from services.gateway.client import ApiError, Client
from tests.faults.driver import Driver

LIMIT_S = 240.0
LISTS = ("datasets", "algorithms", "tasks", "workloads", "services")
POLL_S = 0.1


@dataclass
class Recoveries:
    """Seconds by target."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    parts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def summary(self) -> dict[str, dict[str, float]]:
        return {
            target: {"p50": round(statistics.median(all_), 1), "max": round(max(all_), 1), "n": len(all_)}
            for target, all_ in sorted(self.seconds.items())
        }


def until_well(driver: Driver, began: float) -> dict[str, float]:
    """Seconds since `began` until each part worked: the API of all services, inference, a new task, the import.

    AssertionError when one does not within LIMIT_S.
    """
    client, struck = driver.impatient(), time.monotonic()
    checks: dict[str, Callable[[], bool]] = {
        "api": lambda: all(_lists(client, name) for name in LISTS),
        "inference": lambda: all(one.is_well(struck) for one in driver.loads),
        "task": _Probe(driver, client),
        "import": lambda: driver.importing is None or not driver.importing.is_alive(),
    }
    took: dict[str, float] = {}
    while len(took) < len(checks):
        for name, check in checks.items():
            if name not in took and _holds(check):
                took[name] = time.monotonic() - began
        if time.monotonic() - struck > LIMIT_S:
            raise AssertionError(f"not well {LIMIT_S:g} s after the fault: {sorted(checks.keys() - took.keys())}")
        if "api" in took and "task" not in took:
            driver.release_again()
        time.sleep(POLL_S)
    client.http.close()
    return took


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (ApiError, httpx.HTTPError, ValueError, KeyError):
        return False


def _lists(client: Client, name: str) -> bool:
    client.http.get(f"/api/v1/{name}", params={"page_size": 1}, timeout=5).raise_for_status()
    return True


class _Probe:
    """A task submitted after the fault, until it is being trained."""

    def __init__(self, driver: Driver, client: Client) -> None:
        self._driver, self._client = driver, client
        self._task_id = ""

    def __call__(self) -> bool:
        if not self._task_id:
            self._task_id = self._driver.submit()
        state = self._client.get(f"/api/v1/tasks/{self._task_id}")["state"]
        return state not in ("STATE_WAITING", "STATE_DRAFT")

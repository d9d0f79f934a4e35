"""Work in every phase for half an hour without a fault: memory stays flat. `MODELYARD_SOAK_MINUTES` says how long."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.embedded.plan import PROCESSES
from tests.benchmarks.pipeline.measure import memory_of
from tests.faults.campaign import Campaign, campaign, say
from tests.faults.churn import Churn
from tests.faults.targets import SERVERS, pids_of

MINUTES = float(os.environ.get("MODELYARD_SOAK_MINUTES") or 30)
WARM = MINUTES / 6
SERVICES = (("a", 2), ("b", 1))
PAUSE_S = 5.0
PROGRAMS = (*(process.name for process in PROCESSES), *SERVERS)

# Triton loads models whose processes come and go, MongoDB fills the cache that it may fill, rclone knows by name all
# objects that it has met (about 3 kB each).
FREE = ("mongod", "triton", "objectstore")
GROWTH = 1.15
SLACK_MB = 12.0

pytestmark = [pytest.mark.soak, pytest.mark.timeout(MINUTES * 60 + 1200)]


def memory_mb(home: Path) -> Mapping[str, float]:
    """Proportional set size of each program with its children, in 10⁶ bytes."""
    return {name: round(memory_of(pids_of(home, name))[0], 1) for name in PROGRAMS}


def _work_until(moment: float, soaked: Campaign, churn: Churn) -> None:
    while (left := moment - time.monotonic()) > 0:
        phases = soaked.driver.prepare()
        soaked.driver.retire_steady()
        for task_id, workload_id in phases.workloads.items():
            soaked.driver.release(task_id, workload_id)
        churn.turn()
        time.sleep(min(PAUSE_S, max(left, 0)))


def _report(early: Mapping[str, float], late: Mapping[str, float]) -> None:
    say(f"{'program':<16} {f'{WARM:g} min':>10} {f'{MINUTES:g} min':>10} MB")
    for name in PROGRAMS:
        say(f"{name:<16} {early[name]:>10.1f} {late[name]:>10.1f}")
    print(json.dumps({"minutes": [WARM, MINUTES], "mb": {name: [early[name], late[name]] for name in PROGRAMS}}))


def test_memory_is_flat() -> None:
    with campaign(seed=1, services=SERVICES) as soaked:
        began = time.monotonic()
        churn = Churn(soaked.driver, SERVICES, total=10_000)
        churn.start()
        _work_until(began + WARM * 60, soaked, churn)
        early = memory_mb(soaked.platform.home)
        _work_until(began + MINUTES * 60, soaked, churn)
        late = memory_mb(soaked.platform.home)
        churn.finish()
        verdict = soaked.finish()
    _report(early, late)
    assert verdict.clean, str(verdict)
    assert not churn.failures, churn.failures
    grown = [name for name in PROGRAMS if name not in FREE and late[name] > early[name] * GROWTH + SLACK_MB]
    assert not grown, f"more memory at the end than after {WARM:g} minutes: {grown}"

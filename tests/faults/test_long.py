"""Random faults for long. `MODELYARD_FAULT_SEED` repeats a run, `MODELYARD_FAULT_KILLS` says how many (200)."""

import os
import random
import secrets

import pytest

from tests.faults.campaign import Campaign, campaign, say
from tests.faults.churn import Churn
from tests.faults.targets import TARGETS

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("MODELYARD_FAULT_KILLS") or 200)
TASKS = 300
SERVICES = 20
AT_ONCE = (("a", 2), ("b", 1), ("a", 1))
SLOW = ("pause-rabbitmq", "pause-mongod", "disk-full", "everything", "supervisord")
SLOW_EVERY = 50


def plan(kills: int, chance: random.Random) -> list[str]:
    """Every target as often as every other, but what takes long only once in SLOW_EVERY; in random order."""
    slow = [name for name in SLOW for _ in range(max(1, kills // SLOW_EVERY))]
    quick = [name for name in TARGETS if name not in SLOW]
    chance.shuffle(quick)
    chosen = slow + [quick[at % len(quick)] for at in range(kills - len(slow))]
    chance.shuffle(chosen)
    return chosen[:kills]


def _run(under_fire: Campaign, churn: Churn) -> None:
    for number, name in enumerate(plan(KILLS, under_fire.random), 1):
        if under_fire.can(name):
            under_fire.strike(name)
        if number % max(1, KILLS // (SERVICES - len(AT_ONCE))) == 0:
            churn.turn()
        if number % 10 == 0:
            say(f"{number} of {KILLS} faults, {len(under_fire.driver.history.tasks)} tasks")
    for _ in range(max(0, (TASKS * KILLS) // 200 - len(under_fire.driver.history.tasks))):
        under_fire.driver.submit()


def test_random_faults() -> None:
    seed = int(os.environ.get("MODELYARD_FAULT_SEED") or secrets.randbelow(2**31))
    say(f"repeat this run with MODELYARD_FAULT_SEED={seed} MODELYARD_FAULT_KILLS={KILLS}")
    with campaign(seed, AT_ONCE) as under_fire:
        churn = Churn(under_fire.driver, AT_ONCE, SERVICES)
        churn.start()
        _run(under_fire, churn)
        churn.finish()
        verdict = under_fire.finish()
    assert verdict.clean, str(verdict)
    assert not churn.failures, churn.failures

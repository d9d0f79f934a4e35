"""schemathesis over everything that `/openapi.json` offers: no error of the server, no answer against the schema."""

import random

import pytest

from tests.malice.fuzz import Fuzzer, Outcome
from tests.malice.world import World

SHARE = 0.8
EXAMPLES, MANY = 3, 20


def report(outcome: Outcome) -> None:
    print(outcome.table())
    assert not outcome.failures, f"{len(outcome.failures)} failures:\n" + "\n".join(outcome.failures[:20])
    assert len(outcome.reached) >= SHARE * len(outcome.codes), outcome.table()


@pytest.mark.timeout(1200)
def test_generated_requests(world: World) -> None:
    report(Fuzzer(world, EXAMPLES, seed_=1).run())
    assert world.answers_rightly()


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_many_generated_requests(world: World) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    outcome = Fuzzer(world, MANY, seed).run()
    report(outcome)
    assert outcome.cases >= 2000
    assert world.answers_rightly()

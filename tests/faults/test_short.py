"""Every kind of fault once, several at a time where they do not hide each other, then the verdict."""

import pytest

from tests.faults.campaign import campaign

pytestmark = pytest.mark.timeout(2400)

BATCHES = (
    ("gateway", "triton-stub"),
    ("dataset", "trainer-events", "shim"),
    ("trainer", "objectstore"),
    ("scheduler", "serving-events", "workload"),
    ("agent", "serving"),
    ("algorithm", "rabbitmq"),
    ("mongod",),
    ("triton",),
    ("pause-rabbitmq",),
    ("pause-mongod",),
    ("supervisord",),
    ("disk-full",),
    ("everything",),
)


def test_work_survives_every_fault() -> None:
    with campaign(seed=1, services=(("a", 2), ("b", 1))) as under_fire:
        under_fire.pause_s = 10.0
        for batch in BATCHES:
            if all(map(under_fire.can, batch)):
                under_fire.strike(*batch)
        verdict = under_fire.finish()
    assert verdict.clean, str(verdict)

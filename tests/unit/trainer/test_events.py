"""Which workloads concern trainer."""

import pytest

from services.trainer.events import about_a_run
from tests.support.workload_events import workload_event


def test_its_own_do() -> None:
    assert about_a_run(workload_event("run/run-1"))


@pytest.mark.parametrize("subject", ["service/svc-1", "runs/1", ""])
def test_others_do_not(subject: str) -> None:
    assert not about_a_run(workload_event(subject))

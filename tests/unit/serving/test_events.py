"""Which workloads concern serving."""

import pytest

from services.serving.events import about_a_service
from tests.support.workload_events import workload_event


@pytest.mark.parametrize("subject", ["service/svc-1", "service/svc-1/2"])
def test_its_own_do(subject: str) -> None:
    assert about_a_service(workload_event(subject))


@pytest.mark.parametrize("subject", ["run/run-1", "services/1", ""])
def test_others_do_not(subject: str) -> None:
    assert not about_a_service(workload_event(subject))

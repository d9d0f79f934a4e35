"""Which workloads concern serving."""

import pytest
from google.protobuf.json_format import MessageToDict

from protos.scheduler.v1 import events_pb2, workload_pb2
from services.kernel.entity import utc_now
from services.kernel.messaging.envelope import Event, from_json, to_json
from services.serving.events import about_a_service


def workload_event(subject: str) -> Event:
    workload = workload_pb2.Workload(id="wl-1", spec=workload_pb2.WorkloadSpec(subject=subject))
    data = MessageToDict(events_pb2.WorkloadPlaced(workload=workload))
    event = Event(
        id="ev-1",
        source="modelyard/scheduler",
        type="workload.x",
        subject="workload/wl-1",
        time=utc_now(),
        sequence=1,
        data=data,
    )
    return from_json(to_json(event))


@pytest.mark.parametrize("subject", ["service/svc-1", "service/svc-1/2"])
def test_its_own_do(subject: str) -> None:
    assert about_a_service(workload_event(subject))


@pytest.mark.parametrize("subject", ["run/run-1", "services/1", ""])
def test_others_do_not(subject: str) -> None:
    assert not about_a_service(workload_event(subject))

"""Events about workloads, as they arrive."""

from google.protobuf.json_format import MessageToDict

from protos.scheduler.v1 import events_pb2, workload_pb2
from services.kernel.entity import utc_now
from services.kernel.messaging.envelope import Event, from_json, to_json


def workload_event(subject: str) -> Event:
    """The exit of a workload that is about `subject`; all events of workloads have this one field."""
    workload = workload_pb2.Workload(id="wl-1", spec=workload_pb2.WorkloadSpec(subject=subject))
    event = Event(
        id="ev-1",
        source="modelyard/scheduler",
        type="workload.exited",
        subject="workload/wl-1",
        time=utc_now(),
        sequence=1,
        data=MessageToDict(events_pb2.WorkloadExited(workload=workload)),
    )
    return from_json(to_json(event))

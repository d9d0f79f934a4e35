"""What serving learns from the scheduler: something happened to a lease."""

from protos.scheduler.v1 import events_pb2
from services.kernel.messaging.envelope import Event
from services.kernel.messaging.subscription import run_events, subscribe
from services.kernel.storage import mongo
from services.serving.config import serving_settings
from services.serving.handlers.services import attend_to_workload
from services.serving.models import AttentionStore, ServiceRepository

ENGINE = "triton"
SUBJECT = "service/"


def about_a_service(event: Event) -> bool:
    return event.text("workload.spec.subject").startswith(SUBJECT)


class ServingEvents:
    """Only writes intent; the reconciler asks the scheduler how things stand."""

    name = "serving-events"

    @subscribe("scheduler", "workload.placed", "workload.exited", "workload.lost", concerns=about_a_service)
    def on_workload(self, event: Event) -> None:
        workload = event.message(events_pb2.WorkloadPlaced).workload  # all three have this one field
        if workload.spec.engine == ENGINE:
            service_id = workload.spec.subject.removeprefix(SUBJECT).partition("/")[0]
            attend_to_workload(service_id, workload.id, ServiceRepository(), AttentionStore())


def run() -> int:
    settings = serving_settings()
    mongo.connect(settings, "serving")
    return run_events(ServingEvents, settings)

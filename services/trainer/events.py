"""Follows the workloads of runs. Writes intent only; the reconciler does what calls others."""

from google.protobuf.json_format import ParseDict

from protos.scheduler.v1 import events_pb2
from services.kernel.config import kernel_settings
from services.kernel.messaging.envelope import Event
from services.kernel.messaging.subscription import run_events, subscribe
from services.kernel.storage import mongo
from services.trainer import models
from services.trainer.workloads import SUBJECT, apply_workload


def about_a_run(event: Event) -> bool:
    return event.text("workload.spec.subject").startswith(SUBJECT)


class TrainerEvents:
    """One queue for all facts about workloads, in their order."""

    name = "trainer-events"

    @subscribe("scheduler", "workload.started", "workload.lost", "workload.exited", concerns=about_a_run)
    def on_workload(self, event: Event) -> None:
        # Every workload event has the same shape: one field with the snapshot.
        message = ParseDict(dict(event.data), events_pb2.WorkloadExited(), ignore_unknown_fields=True)
        apply_workload(models.run_repository(), models.task_repository(), message.workload)


def run() -> int:
    settings = kernel_settings()
    mongo.connect(settings, "trainer")
    return run_events(TrainerEvents, settings)

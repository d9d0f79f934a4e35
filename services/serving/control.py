"""The `control` role: brings Triton to what is wanted, and says to the scheduler that Triton is there."""

import threading

from services.kernel import control
from services.kernel.control import Loop
from services.serving import bootstrap
from services.serving.config import serving_settings
from services.serving.counts import COUNTS
from services.serving.models import ATTENTION, COLLECTION
from services.serving.telemetry import READY

RECONCILE_EVERY_S = 2.0
HEARTBEAT_EVERY_S = 2.0


def run(stop: threading.Event) -> None:
    settings = serving_settings()
    app = bootstrap.build(settings)
    app.repository.clean()

    def heartbeat() -> None:
        # Without Triton the node is not there: nothing new may be placed on it.
        live = app.triton.is_live()
        READY.labels(settings.triton_node).set(live)
        if live:
            app.scheduler.heartbeat()

    loops = [
        Loop("reconcile", bootstrap.reconciler(app).run_once, RECONCILE_EVERY_S, wake_on=(COLLECTION, ATTENTION)),
        Loop("heartbeat", heartbeat, HEARTBEAT_EVERY_S),
    ]
    control.run("serving", settings, loops, stop, counts=COUNTS)

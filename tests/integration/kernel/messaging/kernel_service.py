"""A service on the kernel's subclasses. Arguments: behaviour, folder, source, database, heartbeat, retry delays."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from services.kernel import logging
from services.kernel.config import kernel_settings
from services.kernel.messaging.envelope import Event
from services.kernel.messaging.subscription import run_events, subscribe
from services.kernel.storage import mongo
from tests.integration.kernel.messaging.behaviour import Behaviour

what, folder, source, database, heartbeat, delays = sys.argv[1:]
behaviour = Behaviour(what, Path(folder), urlsplit(os.environ["MODELYARD_AMQP_URI"]).port or 5672)


def concerns(event: Event) -> bool:
    match event.aggregate_id:
        case "foreign":
            return False
        case "unclear":
            raise RuntimeError("whose is it?")
    return True


class KernelService:
    name = "kernel"
    retry_delays = tuple(float(delay) for delay in delays.split(","))

    @subscribe(source, "thing.happened", "thing.changed", concerns=concerns)
    def handle(self, event: Event) -> None:
        behaviour.handle(event.id)
        mongo.database()["effects"].insert_one({"event": event.id, "sequence": event.sequence})


settings = kernel_settings()
logging.configure("kernel", "events")
mongo.connect(settings, database)
code = run_events(KernelService, settings, heartbeat=int(heartbeat))
(Path(folder) / "modules").write_text("\n".join(sys.modules))
sys.exit(code)

"""A service on nameko as it comes. Arguments: behaviour, folder, source, requeue, heartbeat."""

import eventlet

eventlet.monkey_patch()

import logging  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from urllib.parse import urlsplit  # noqa: E402

from nameko.cli.run import run  # noqa: E402
from nameko.events import event_handler  # noqa: E402

from tests.integration.kernel.messaging.behaviour import Behaviour  # noqa: E402

what, folder, source, requeue, heartbeat = sys.argv[1:]
uri = os.environ["MODELYARD_AMQP_URI"]
behaviour = Behaviour(what, Path(folder), urlsplit(uri).port or 5672)


class PlainService:
    name = "plain"

    @event_handler(source, "thing.happened", requeue_on_error=requeue == "requeue")  # type: ignore[untyped-decorator]
    def handle(self, payload: dict[str, str]) -> None:
        behaviour.handle(payload["id"])


logging.basicConfig(level=logging.INFO)
run([PlainService], {"AMQP_URI": uri, "HEARTBEAT": int(heartbeat)})

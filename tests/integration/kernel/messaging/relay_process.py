"""A relay in a process of its own. Arguments: database, `kill` to die after the first publication, before its mark."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Sequence

from services.kernel.config import kernel_settings
from services.kernel.messaging import relay
from services.kernel.storage import mongo

database, fate = sys.argv[1:]


class Sleeper:
    def wait(self, timeout: float) -> None:
        threading.Event().wait(min(timeout, 0.05))


def die(ids: Sequence[str]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if fate == "kill":
    relay._mark_sent = die
settings = kernel_settings()
mongo.connect(settings, database)
asyncio.run(relay.Relay(settings, database, Sleeper()).run())

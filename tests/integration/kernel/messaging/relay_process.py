"""A relay in a process of its own. Arguments: database, `kill` to die after the first publication, before its mark."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from services.kernel.config import kernel_settings
from services.kernel.messaging import relay
from services.kernel.storage import mongo
from tests.fakes.feed import Sleeper

database, fate = sys.argv[1:]


def die(ids: Sequence[str]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if fate == "kill":
    relay._mark_sent = die
settings = kernel_settings()
mongo.connect(settings, database)
asyncio.run(relay.Relay(settings, database, Sleeper()).run())

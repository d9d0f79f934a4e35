"""The role `control`: fills the event log and removes what has expired."""

import asyncio
import threading
from collections.abc import Sequence
from functools import partial

from services.gateway import bootstrap
from services.gateway.config import GatewaySettings, gateway_settings
from services.gateway.deadletters.collecting import CollectorThread, replay_requested
from services.gateway.eventlog import models as eventlog
from services.gateway.operation.peers import Peers
from services.gateway.readers import ReaderThread
from services.gateway.uploads import handlers as uploads
from services.kernel import control
from services.kernel.control import Loop
from services.kernel.messaging.envelope import Event
from services.kernel.messaging.eventlog import LogReader
from services.kernel.messaging.topology import log_queue_name
from services.kernel.storage.objects import MinioStore

SOURCES = ("dataset", "algorithm", "trainer", "scheduler", "serving", "gateway")
CLEANING_S = 60.0
REPLAY_S = 1.0
GARBAGE_S = 5.0


def run(stop: threading.Event) -> None:
    """Until `stop` is set. Raises what ended the reader of the event log."""
    settings = gateway_settings()
    bootstrap.connect(settings)
    kept = bootstrap.uploads_of(settings, MinioStore(settings))
    reader = LogReaderThread(settings, SOURCES, stop)
    reader.start()
    letters, peers = bootstrap.dead_letters_of(settings), Peers(settings)
    collector = CollectorThread(settings, letters, partial(_queues, peers), stop)
    collector.start()
    loops = [
        Loop("expired-uploads", work=lambda: uploads.remove_expired(kept), interval_s=CLEANING_S),
        Loop("dead-letter-replay", work=lambda: replay_requested(settings, letters), interval_s=REPLAY_S),
        Loop("garbage", work=bootstrap.garbage_of(settings, peers).run_due, interval_s=GARBAGE_S),
    ]
    control.run("gateway", settings, loops, stop)
    for thread in (reader, collector):
        thread.join(timeout=5)
        if thread.error is not None:
            raise thread.error


async def _queues(peers: Peers) -> list[str]:
    """All queues that messages may have died in: those of the services' handlers, and of the event log."""
    return [*map(log_queue_name, SOURCES), *await asyncio.to_thread(peers.event_queues)]


class LogReaderThread(ReaderThread):
    """Copies events from the log queues to the database. Any number may run: the broker feeds one for each queue."""

    def __init__(self, settings: GatewaySettings, sources: Sequence[str], stop: threading.Event) -> None:
        super().__init__("event-log", LogReader(settings, sources, _append).run, stop)


async def _append(events: list[Event]) -> None:
    await asyncio.to_thread(eventlog.append, events)

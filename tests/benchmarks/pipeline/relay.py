"""The relay of one service, as its role `control` runs it: `python -m tests.benchmarks.pipeline.relay SERVICE`."""

import signal
import sys
import threading

from services.kernel.config import kernel_settings
from services.kernel.messaging.relay import Relay, RelayThread
from services.kernel.storage import mongo
from services.kernel.storage.changes import ChangeFeed


def main(service: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = kernel_settings()
    mongo.connect(settings, service)
    feed = ChangeFeed(["outbox"], operations=["insert"], name="changes-outbox").start()
    relay = RelayThread(Relay(settings, service, feed))
    relay.start()
    stop.wait()
    relay.stop()
    feed.stop()


if __name__ == "__main__":
    main(sys.argv[1])

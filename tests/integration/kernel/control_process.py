"""A process of the role `control`. Arguments: database, name of this holder, folder for signals from the test.

Its loop notes a pass with its name each 0.1 s. While the file `hold-<name>` is there, it waits, as in a call to another
service, between looking and writing, and says so by the file `held-<name>`.
"""

import signal
import sys
import threading
from pathlib import Path

from services.kernel import control, logging
from services.kernel.config import kernel_settings
from services.kernel.storage import mongo

database, name, folder = sys.argv[1:]
hold, held = Path(folder, f"hold-{name}"), Path(folder, f"held-{name}")


def work() -> None:
    while hold.exists():
        held.touch()
        threading.Event().wait(0.02)
    control.transaction(lambda: mongo.database()["passes"].insert_one({"holder": name}))


stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
settings = kernel_settings()
logging.configure(database, "control")
mongo.connect(settings, database)
control.run(database, settings, [control.Loop("passes", work, interval_s=0.1)], stop)

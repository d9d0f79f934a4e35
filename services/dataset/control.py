"""The control role: relays the service's events. Imports are the worker's."""

import threading

from services.dataset.bootstrap import SERVICE
from services.dataset.config import settings
from services.dataset.counts import COUNTS
from services.kernel import control
from services.kernel.storage import mongo


def run(stop: threading.Event) -> None:
    mongo.connect(settings(), SERVICE)
    control.run(SERVICE, settings(), [], stop, counts=COUNTS)

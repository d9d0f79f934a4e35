"""The control role: relays events, and registers the algorithms that come with this release."""

import threading

from services.algorithm import handlers
from services.algorithm.bootstrap import SERVICE, build
from services.algorithm.config import settings
from services.kernel import control
from services.kernel.logging import get_logger

_AGAIN_S = 3600.0
log = get_logger(__name__)


def run(stop: threading.Event) -> None:
    ports = build(settings(), transaction=control.transaction)

    def register_presets() -> None:
        for algorithm in handlers.register_presets(ports):
            log.info("preset_registered", name=algorithm.name, major_version=algorithm.major_version)

    control.run(SERVICE, settings(), [control.Loop("register-presets", register_presets, interval_s=_AGAIN_S)], stop)

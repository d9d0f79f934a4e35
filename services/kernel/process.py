"""Starts a process of a service: `python -m services.<name> ROLE…`."""

import argparse
import faulthandler
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from services.kernel import logging, metrics, tracing
from services.kernel.redaction import is_secret_name

Role = Callable[[threading.Event], None]
"""Works until the event is set, then returns within ten seconds."""

EVENTS = "events"
STOP_S = 10.0


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def main(service: str, roles: Mapping[str, str]) -> int:
    """Run the roles named on the command line until SIGTERM or until one of them fails.

    `roles` maps a name to `module:function`; the module is imported only when the role is asked for. The role `events`
    runs nameko, which wants the main thread, and therefore stands alone; it returns the exit code of the process.
    """
    parser = argparse.ArgumentParser(prog=f"python -m services.{service}")
    parser.add_argument("role", nargs="+", choices=sorted(roles))
    chosen: list[str] = parser.parse_args().role
    if EVENTS in chosen and len(chosen) > 1:
        parser.error("the role `events` runs alone in its process")
    from services.kernel.config import kernel_settings

    settings = kernel_settings()
    together = "+".join(chosen)
    logging.configure(
        service, together, level=settings.log_level, fmt=settings.log_format, secrets=_secrets(os.environ)
    )
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    if settings.metrics_port:
        metrics.serve(service, together, settings.metrics_host, settings.metrics_port)
    tracing.configure(service, together)
    if chosen == [EVENTS]:
        events: Callable[[], int] = _load(roles[EVENTS])
        try:
            return events()
        finally:
            tracing.stop()
    return _run_together(service, {name: roles[name] for name in chosen})


def _secrets(environment: Mapping[str, str]) -> Iterator[str]:
    """Values of the configuration that may never be shown: keys and passwords, also those inside of addresses."""
    for name, value in environment.items():
        if name.startswith("MODELYARD_") and is_secret_name(name):
            yield value
        elif name.startswith("MODELYARD_") and "://" in value:
            yield _password_of(value)


def _password_of(uri: str) -> str:
    try:
        return urlsplit(uri).password or ""
    except ValueError:
        return ""


class _Bell:
    """Wakes the main thread. A signal handler may ring it: it takes no lock, which the thread that it interrupts (in
    `Event.wait`, for example) may hold."""

    def __init__(self) -> None:
        self._heard, self._rung = os.pipe()

    def ring(self) -> None:
        os.write(self._rung, b".")

    def wait(self) -> None:
        os.read(self._heard, 1)


def _run_together(service: str, roles: Mapping[str, str]) -> int:
    stop, bell = threading.Event(), _Bell()
    failed: list[str] = []
    log = logging.get_logger(__name__)

    def guarded(name: str, role: Role) -> None:
        try:
            role(stop)
        except Exception:  # the outermost loop: one failed role ends the process, the supervisor restarts it
            log.exception("role_failed", role=name)
            failed.append(name)
        else:
            if not stop.is_set():
                log.error("role_ended_early", role=name)
                failed.append(name)
        finally:
            bell.ring()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: bell.ring())
    threads = [
        threading.Thread(target=guarded, args=(name, _load(target)), name=name, daemon=True)
        for name, target in roles.items()
    ]
    log.info("process_started", service=service, roles=sorted(roles), pid=os.getpid())
    for thread in threads:
        thread.start()
    bell.wait()
    stop.set()
    deadline = time.monotonic() + STOP_S
    for thread in threads:
        thread.join(timeout=max(0.0, deadline - time.monotonic()))
    tracing.stop()
    log.info("process_stopped", failed=failed)
    sys.stderr.flush()
    # Threads of libraries may still hang in calls to servers that went away; what matters has been written.
    os._exit(1 if failed else 0)

"""The `control` role: one active process a service, which relays events and reconciles.

Loops are level-triggered: they look at what is and do what is missing, at once when a collection changes and at least
every few seconds. They write through `transaction`, which a process that lost its lease cannot commit.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram

from services.kernel import census
from services.kernel.census import Count
from services.kernel.config import KernelSettings
from services.kernel.context import acting_as, service_caller, untraced
from services.kernel.errors import Conflict, Unavailable
from services.kernel.healthcheck import LEASE_ASKED
from services.kernel.logging import get_logger
from services.kernel.messaging.outbox import OutboxDocument
from services.kernel.messaging.relay import Relay, RelayThread
from services.kernel.metrics import SLOW, Census
from services.kernel.storage.changes import ChangeFeed
from services.kernel.storage.holders import holder_name
from services.kernel.storage.lease import ControlLease, Holder
from services.kernel.storage.transactions import in_transaction

T = TypeVar("T")
log = get_logger(__name__)

HELD = Gauge("modelyard_control_lease_held", "1 while this process holds the control lease", ["service"])
ASKED = Gauge(LEASE_ASKED, "When this process last asked for the control lease or renewed it")
FENCED = Counter("modelyard_control_fenced_total", "Transactions refused because the lease had passed to another")
TAKEOVERS = Counter("modelyard_control_takeovers_total", "Times that this process got the control lease", ["service"])
PASSES = Histogram(
    "modelyard_control_loop_duration_seconds", "Passes of control loops", ["service", "loop"], buckets=SLOW
)
FAILURES = Counter(
    "modelyard_control_loop_failures_total",
    "Passes of control loops that failed, or waited for another server",
    ["service", "loop", "outcome"],
)
CENSUS_S = 10.0
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
SPACING_S = 0.03
"""So far apart are the beginnings of two passes at least: what is written meanwhile is seen by one of them."""

CLOSE_S = 4.0
"""How long the relay and the loops have to end together; what goes on after that cannot commit."""

_lease: ContextVar[tuple[ControlLease, int] | None] = ContextVar("control_lease", default=None)
"""The lease and the fencing token with which the running loop was started."""


_turn = threading.RLock()


@dataclass(frozen=True)
class Loop:
    """Work that is repeated: when a collection of `wake_on` changes, and at least every `interval_s` seconds.

    `work` must be safe to repeat at any point; an exception is logged and the work repeated with backoff.
    """

    name: str
    work: Callable[[], None]
    interval_s: float = 5.0
    wake_on: tuple[str, ...] = ()


def transaction(work: Callable[[], T]) -> T:
    """A transaction that only the holder of the control lease can commit (raises `Conflict`, reason FENCED)."""
    held = _lease.get()

    def fenced() -> T:
        result = work()
        # Last, because it writes to the lease: while the work goes on, nobody has to wait to renew it.
        if held is not None:
            lease, token = held
            try:
                lease.fenced(token)
            except Conflict:
                FENCED.inc()
                raise
        return result

    if held is None:
        return in_transaction(fenced)
    # All of them write to the lease: two at once would only make each other repeat.
    with _turn:
        return in_transaction(fenced)


class _Active:
    """What runs while the lease is held."""

    def __init__(
        self,
        service: str,
        settings: KernelSettings,
        loops: Sequence[Loop],
        counts: Sequence[Count],
        held: tuple[ControlLease, int],
        may_work: Callable[[], bool],
    ) -> None:
        self._service = service
        self._held = held
        self._may_work = may_work
        self._stop = threading.Event()
        outbox: str = OutboxDocument._get_collection_name()
        self._feeds = [ChangeFeed([outbox], operations=["insert"], name="changes-outbox")]
        self._relay = RelayThread(Relay(settings, service, self._feeds[0], may_work=may_work))
        self._feeds[0].start()
        self._census = Census([*census.of_kernel(service, settings), *counts])
        counting = Loop("census", self._census.take, interval_s=CENSUS_S)
        self._threads = [self._thread(loop) for loop in (*loops, counting)]
        self._relay.start()
        for thread in self._threads:
            thread.start()

    @property
    def relay_error(self) -> Exception | None:
        return self._relay.error

    def _thread(self, loop: Loop) -> threading.Thread:
        feed = ChangeFeed(loop.wake_on, name=f"changes-{loop.name}").start() if loop.wake_on else None
        if feed is not None:
            self._feeds.append(feed)
        return threading.Thread(target=self._repeat, args=(loop, feed), name=f"loop-{loop.name}", daemon=True)

    def _repeat(self, loop: Loop, feed: ChangeFeed | None) -> None:
        _lease.set(self._held)
        failures = 0
        while not self._stop.is_set():
            began = time.monotonic()
            if not self._may_work():  # it was paused for longer than the lease lasts, and is about to be told
                self._stop.wait(BACKOFF_S[0])
                continue
            try:
                with (
                    acting_as(service_caller(self._service)),
                    untraced(),
                    PASSES.labels(self._service, loop.name).time(),
                ):
                    loop.work()
                failures = 0
            except (Unavailable, Conflict) as error:
                failures += 1
                FAILURES.labels(self._service, loop.name, "waited").inc()
                log.warning("loop_waits", loop=loop.name, reason=error.reason, error=error.message)
            except Exception:  # the loop goes on whatever one pass met
                failures += 1
                FAILURES.labels(self._service, loop.name, "failed").inc()
                log.exception("loop_failed", loop=loop.name)
            if failures:
                self._stop.wait(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1])
            elif feed is not None:
                feed.wait(loop.interval_s)
                self._stop.wait(began + SPACING_S - time.monotonic())
            else:
                self._stop.wait(loop.interval_s)

    def close(self) -> None:
        """Everything is told to stop before anything is waited for; takes CLOSE_S at most."""
        deadline = time.monotonic() + CLOSE_S
        self._stop.set()
        for feed in self._feeds:
            feed.stop(timeout=0)
        self._relay.stop(timeout=CLOSE_S / 2)
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        self._census.close()


def run(
    service: str,
    settings: KernelSettings,
    loops: Sequence[Loop],
    stop: threading.Event,
    *,
    counts: Sequence[Count] = (),
) -> None:
    """Run relay and loops whenever this process holds the control lease, until `stop` is set.

    `counts` are the gauges that this service tells about itself as a whole, beside those that every service tells.
    The process must be connected to its database. Raises what the relay cannot recover from.
    """
    lease = ControlLease("control", holder_name("control"))
    active: list[_Active] = []
    broken: list[Exception] = []

    def on_acquired(token: int) -> None:
        HELD.labels(service).set(1)
        TAKEOVERS.labels(service).inc()
        try:
            active.append(_Active(service, settings, loops, counts, (lease, token), lambda: holder.held))
        except Exception as error:  # the lease would be held with nothing running: the process has to end
            broken.append(error)
            raise

    def on_lost() -> None:
        HELD.labels(service).set(0)
        while active:
            active.pop().close()

    HELD.labels(service).set(0)
    holder = Holder(lease, on_acquired, on_lost)
    ASKED.set_function(lambda: holder.asked_at)
    holder.start()
    try:
        while not stop.wait(0.5):
            errors = [*broken, *(part.relay_error for part in list(active) if part.relay_error is not None)]
            if errors:
                raise errors[0]
    finally:
        holder.stop()

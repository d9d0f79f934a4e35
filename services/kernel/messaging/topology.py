"""Exchanges and queues: what they are called, how they are made, and the check that they are still so.

Every queue is a quorum queue. A queue's arguments cannot be changed once it exists, so names carry a version (or the
value itself, as the retry queues do), and a difference is an error that says so instead of a consumer without work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

RETRY_DELAYS = (1.0, 5.0, 30.0, 120.0)  # seconds; after the last one the event is a dead letter
DELIVERY_LIMIT = 20  # deliveries that ended without an answer: a process that dies of an event must not die forever
KEEP_DEAD = timedelta(days=30)

Argument: TypeAlias = str | int | bool


class TopologyMismatch(Exception):
    """A queue or exchange exists with other arguments than this release declares."""


@dataclass(frozen=True)
class Exchange:
    """A durable topic exchange."""

    name: str


@dataclass(frozen=True)
class Queue:
    """A durable quorum queue and the routing keys that bind it to an exchange."""

    name: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    exchange: str = ""
    routing_keys: tuple[str, ...] = ()

    @property
    def all_arguments(self) -> dict[str, Any]:
        return {"x-queue-type": "quorum", **self.arguments}


@dataclass(frozen=True)
class Topology:
    """What has to exist before anything is published or consumed."""

    exchange: Exchange
    queues: tuple[Queue, ...]


def exchange_name(service: str) -> str:
    return f"{service}.events"


def log_queue_name(service: str) -> str:
    return f"{service}.events.log"


def marker_name(queue: str) -> str:
    """An exchange that exists once the queue has settled; see `declaration`."""
    return f"{queue}.settled"


def dead_queue_name(queue: str) -> str:
    return f"{queue}.dead"


def _dead_letters_to(queue: str) -> dict[str, Argument]:
    # At-least-once: the dead letter leaves only after its new queue has confirmed it; this needs reject-publish.
    return {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _dead_queue(queue: str) -> Queue:
    return Queue(dead_queue_name(queue), {"x-message-ttl": int(KEEP_DEAD.total_seconds() * 1000)})


def log_topology(service: str) -> Topology:
    """The exchange and its permanent event log, bound to everything: no event of `service` is ever unroutable."""
    name = log_queue_name(service)
    log = Queue(
        name,
        {"x-single-active-consumer": True, **_dead_letters_to(dead_queue_name(name))},
        exchange_name(service),
        ("#",),
    )
    return Topology(Exchange(exchange_name(service)), (_dead_queue(name), log))


@dataclass(frozen=True)
class Subscription:
    """What one consumer wants of one source, and how it retries. Delays in seconds."""

    consumer: str
    source: str
    types: tuple[str, ...]
    version: int = 1
    retry_delays: tuple[float, ...] = RETRY_DELAYS

    @property
    def queue(self) -> str:
        return f"{self.consumer}.{self.source}.v{self.version}"

    @property
    def dead_queue(self) -> str:
        return dead_queue_name(self.queue)

    def retry_queue(self, attempt: int) -> str | None:
        """Where an event waits after its failed attempt number `attempt` (from 1); None when it has had them all."""
        if attempt > len(self.retry_delays):
            return None
        return self._retry_queue(self.retry_delays[attempt - 1])

    def _retry_queue(self, delay: float) -> str:
        return f"{self.queue}.retry.{_milliseconds(delay)}ms"

    def topology(self) -> Topology:
        waiting = [
            Queue(self._retry_queue(delay), {"x-message-ttl": _milliseconds(delay), **_dead_letters_to(self.queue)})
            for delay in sorted(set(self.retry_delays))
        ]
        # One active consumer keeps the order of each aggregate when several copies of the process run.
        main = Queue(
            self.queue,
            {
                "x-delivery-limit": DELIVERY_LIMIT,
                "x-single-active-consumer": True,
                **_dead_letters_to(self.dead_queue),
            },
            exchange_name(self.source),
            self.types,
        )
        queues = (_dead_queue(self.queue), *waiting, main)
        return Topology(Exchange(exchange_name(self.source)), queues)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def mismatch(what: str, error: Exception) -> TopologyMismatch:
    return TopologyMismatch(
        f"{what} exists with other arguments than this release declares: {error}. "
        "Names are versioned: raise the version, or drain and delete the old one."
    )

"""Event handlers of a service: the nameko entrypoint `subscribe` and the process that runs them."""

import signal
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from functools import partial
from typing import TypeAlias, TypeVar

import eventlet
from eventlet import tpool
from kombu import Connection
from nameko.constants import (
    AMQP_URI_CONFIG_KEY,
    HEARTBEAT_CONFIG_KEY,
    MAX_WORKERS_CONFIG_KEY,
    TRANSPORT_OPTIONS_CONFIG_KEY,
)
from nameko.containers import ServiceContainer, WorkerContext
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, register_entrypoint
from prometheus_client import Counter, Histogram

from services.kernel import tracing
from services.kernel.config import KernelSettings
from services.kernel.context import Caller, acting_as
from services.kernel.logging import about, get_logger, ids_of_subject
from services.kernel.messaging import inbox, queues
from services.kernel.messaging.consumer import Delivery, EventConsumer, make_broker_sockets_green
from services.kernel.messaging.declaration import declare
from services.kernel.messaging.envelope import Event
from services.kernel.messaging.redelivery import connect
from services.kernel.messaging.topology import RETRY_DELAYS, Subscription, TopologyMismatch
from services.kernel.metrics import FAST
from services.kernel.storage.mongo import ensure_collections

SECONDS = Histogram(
    "modelyard_event_handler_duration_seconds", "Handlers of events", ["consumer", "type"], buckets=FAST
)
FAILED = Counter("modelyard_events_failed_total", "Handlers of events that raised", ["consumer", "type"])

HANDLERS = 8  # handlers that run at the same time
HEARTBEAT = 60  # seconds
EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h

log = get_logger(__name__)

F = TypeVar("F", bound=Callable[..., None])
ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, object]


def _all(_event: Event) -> bool:
    return True


def subscribe(source: str, *types: str, concerns: Callable[[Event], bool] = _all) -> Callable[[F], F]:
    """Call the method with each `Event` of these types of the service `source` that `concerns` it.

    `concerns` decides by the event alone: what does not is acknowledged at once, and a raise is as one of the method.
    The call is one database transaction, made once for each event, in order for each aggregate. A raise rolls back
    and repeats it after 1 s, 5 s, 30 s and 2 min; then the event is a dead letter. The service class may set
    `retry_delays` (seconds) and `queue_version`.
    """

    def register(method: F) -> F:
        register_entrypoint(method, EventEntrypoint(source, types, concerns))
        return method

    return register


class EventEntrypoint(Entrypoint):  # type: ignore[misc]  # nameko has no types
    """Hands events to one method of the service and answers their messages."""

    queue_consumer = EventConsumer()

    def __init__(self, source: str, types: tuple[str, ...], concerns: Callable[[Event], bool]) -> None:
        self.source = source
        self.types = types
        self._concerns = concerns
        super().__init__()

    def setup(self) -> None:
        self.queue_consumer.register_provider(self)

    def stop(self) -> None:
        self.queue_consumer.unregister_provider(self)

    def run(self, delivery: Delivery) -> None:
        consumer, event = self.container.service_name, delivery.event
        try:
            concerned = self._concerns(event)
        except Exception as error:
            log.exception("event not understood", consumer=consumer, event_id=event.id)
            FAILED.labels(consumer, event.type).inc()
            self._answer(delivery, error)
            return
        if concerned:
            self._spawn(delivery)
        else:
            inbox.HANDLED.labels(consumer, event.type, inbox.Outcome.IGNORED.value).inc()
            self._answer(delivery, None)

    def _spawn(self, delivery: Delivery) -> None:
        try:
            self.container.spawn_worker(
                self, (delivery.event,), {}, handle_result=partial(self._handle_result, delivery)
            )
        except ContainerBeingKilled:
            self.queue_consumer.finished(delivery)

    def _handle_result(
        self, delivery: Delivery, _context: WorkerContext, result: object, exc_info: ExcInfo | None
    ) -> tuple[object, ExcInfo | None]:
        self._answer(delivery, exc_info[1] if exc_info else None)
        return result, exc_info

    def _answer(self, delivery: Delivery, error: BaseException | None) -> None:
        try:
            if error is None:
                self.queue_consumer.ack_message(delivery.message)
            else:
                self.queue_consumer.failed(delivery, error)
        finally:
            self.queue_consumer.finished(delivery)


class EventContainer(ServiceContainer):  # type: ignore[misc]  # nameko has no types
    """Runs handlers on native threads.

    nameko runs them on the event loop: a handler that computes for longer than two heartbeats loses the connection,
    and the event comes again, for ever.
    """

    def __init__(self, service_class: type, config: dict[str, object], context: Context) -> None:
        super().__init__(service_class, config)
        self._context = context
        self.subscriptions = subscriptions_of(service_class)

    def _worker_setup(self, worker: WorkerContext) -> None:
        super()._worker_setup(worker)
        name = worker.entrypoint.method_name
        handler = getattr(worker.service, name)
        setattr(worker.service, name, partial(tpool.execute, self._handle, handler))

    def _handle(self, handler: Callable[[Event], None], event: Event) -> None:
        # A thread begins with an empty context; the ids bound for the process's logs belong to it too.
        self._context.copy().run(_handle_once, self.service_name, handler, event)


def _handle_once(consumer: str, handler: Callable[[Event], None], event: Event) -> None:
    caller = Caller(event.actor, roles=frozenset({"service"}), project=event.project or "default")
    with (
        tracing.span(f"process {event.type}", kind="consumer", traceparent=event.traceparent) as span,
        acting_as(caller),
        about(event_id=event.id, event_type=event.type, **ids_of_subject(event.subject)),
        SECONDS.labels(consumer, event.type).time(),
        FAILED.labels(consumer, event.type).count_exceptions(),
    ):
        span.set("messaging.consumer.group.name", consumer)
        span.set("messaging.message.id", event.id)
        if inbox.handle_once(consumer, event, partial(handler, event)):
            log.info("event_handled", consumer=consumer)


def subscriptions_of(service_class: type) -> tuple[Subscription, ...]:
    """One subscription for each source. Raises ValueError when two methods want the same event."""
    wanted: dict[str, list[str]] = {}
    for name in dir(service_class):
        for entrypoint in getattr(getattr(service_class, name), "nameko_entrypoints", ()):
            if isinstance(entrypoint, EventEntrypoint):
                wanted.setdefault(entrypoint.source, []).extend(entrypoint.types)
    consumer: str = getattr(service_class, "name")  # noqa: B009  # nameko's name of a service
    for source, types in wanted.items():
        if len(types) != len(set(types)):
            raise ValueError(f"{consumer}: an event of {source} is wanted by two methods")
    return tuple(
        Subscription(
            consumer,
            source,
            tuple(sorted(types)),
            getattr(service_class, "queue_version", 1),
            getattr(service_class, "retry_delays", RETRY_DELAYS),
        )
        for source, types in sorted(wanted.items())
    )


def declare_subscriptions(settings: KernelSettings, service_classes: Iterable[type]) -> None:
    """Make the queues of these consumers.

    An event published before its consumer's queue exists reaches the event log only, so this has to be done before
    any service of an installation publishes for the first time. Raises TopologyMismatch or the broker's errors.
    """
    with Connection(settings.amqp_uri.get_secret_value()) as connection:
        connect(connection)
        for service_class in service_classes:
            declare(connection, [one.topology() for one in subscriptions_of(service_class)])


def run_events(service_class: type, settings: KernelSettings, *, heartbeat: int = HEARTBEAT) -> int:
    """Run the handlers of a service class until SIGTERM or SIGINT; the process's exit code.

    0 after a clean stop, in which running handlers finish and are acknowledged; 78 when a queue exists with other
    arguments; 1 for anything else. The database must be connected. A lost broker is waited for.
    """
    make_broker_sockets_green()
    tpool.set_num_threads(HANDLERS)
    ensure_collections([inbox.PositionDocument, queues.EventQueueDocument])
    config = {
        AMQP_URI_CONFIG_KEY: settings.amqp_uri.get_secret_value(),
        HEARTBEAT_CONFIG_KEY: heartbeat,
        MAX_WORKERS_CONFIG_KEY: HANDLERS,
        TRANSPORT_OPTIONS_CONFIG_KEY: {},
    }
    container = EventContainer(service_class, config, copy_context())
    queues.register(container.subscriptions)
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _frame: stopping.append(signum))
    try:
        _run(container, stopping)
    except TopologyMismatch as error:
        log.critical("queues do not fit this release", error=str(error))
        return EXIT_CONFIGURATION
    except Exception:
        log.exception("event handlers failed")
        return 1
    return 0


def _run(container: EventContainer, stopping: list[int]) -> None:
    starting = eventlet.spawn(container.start)
    while not stopping and not container._died.ready():
        if starting.dead:
            starting.wait()
        eventlet.sleep(0.05)
    if stopping:
        container.stop()
    container.wait()

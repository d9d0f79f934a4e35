"""Makes exchanges and queues so that a broker killed at any moment loses nothing of what it confirmed.

RabbitMQ remembers a new quorum queue on disk a moment after it has said that the queue is there. Killed in between, it
knows the queue for ever but cannot reach it: the queue is declared and bound as if it were well, and every publication
to it and every read hangs. So a new queue is bound, and used, only after SETTLE_S; then an exchange `<queue>.settled`
marks it. A queue without that mark has never held a message, and is made anew when it does not answer.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager, suppress
from typing import Any

from amqp import spec
from amqp.exceptions import NotFound, PreconditionFailed
from kombu import Connection
from kombu.exceptions import OperationalError
from kombu.transport.pyamqp import Channel, Transport

from services.kernel.logging import get_logger
from services.kernel.messaging.topology import Queue, Topology, marker_name, mismatch

SETTLE_S = 2.0
PROBE_S = 5.0
PROBES = 3
CONNECT_S = 5.0
ANSWER_S = 15.0

# Channel errors too: the broker answers a publication that it could not route by one of them.
BROKER_ERRORS = (*Transport.connection_errors, *Transport.channel_errors, OperationalError, OSError)

Sleep = Callable[[float], object]

log = get_logger(__name__)


def declare_at(uri: str, topologies: Iterable[Topology]) -> None:
    """As `declare`, over a connection of its own. Raises ConnectionError when the broker does not answer."""
    try:
        limits = {"read_timeout": ANSWER_S, "write_timeout": ANSWER_S}
        with Connection(uri, connect_timeout=CONNECT_S, transport_options=limits) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            declare(connection, topologies)
    except BROKER_ERRORS as error:
        raise ConnectionError(f"the broker does not answer: {error!r}") from error


def declare(connection: Connection, topologies: Iterable[Topology], *, sleep: Sleep = time.sleep) -> None:
    """Make everything over an open kombu connection. Raises TopologyMismatch, or the connection's errors.

    The first time it takes some seconds. `sleep` is how the caller waits.
    """
    wanted = list(topologies)
    new = [queue for topology in wanted for queue in _make(connection, topology)]
    if new:
        sleep(SETTLE_S)
    with connection.channel() as channel:
        for topology in wanted:
            for queue in topology.queues:
                for key in queue.routing_keys:
                    channel.queue_bind(queue.name, queue.exchange, key)
        for queue in new:
            channel.exchange_declare(marker_name(queue.name), "fanout", durable=True, auto_delete=False)


def _make(connection: Connection, topology: Topology) -> list[Queue]:
    """Make the exchange and the queues; those that have not settled yet."""
    with _mismatching(f"exchange {topology.exchange.name}"), connection.channel() as channel:
        channel.exchange_declare(topology.exchange.name, "topic", durable=True, auto_delete=False)
    new: list[Queue] = []
    for queue in topology.queues:
        if not _has_settled(connection, queue):
            _remove_if_dead(connection, queue)
            new.append(queue)
        with _mismatching(f"queue {queue.name}"), connection.channel() as channel:
            channel.queue_declare(queue.name, durable=True, auto_delete=False, arguments=queue.all_arguments)
    return new


@contextmanager
def _mismatching(what: str) -> Any:
    try:
        yield
    except PreconditionFailed as error:
        raise mismatch(what, error) from error


def _exists(connection: Connection, ask: Callable[[Channel], object]) -> bool:
    channel = connection.channel()
    try:
        ask(channel)
    except NotFound:
        return False  # the broker has closed the channel
    channel.close()
    return True


def _has_settled(connection: Connection, queue: Queue) -> bool:
    return _exists(connection, lambda channel: channel.exchange_declare(marker_name(queue.name), "", passive=True))


def _remove_if_dead(connection: Connection, queue: Queue) -> None:
    if not _exists(connection, lambda channel: channel.queue_declare(queue.name, passive=True)):
        return
    if any(_answers(connection, queue.name) for _ in range(PROBES)) or _has_settled(connection, queue):
        return
    log.warning("queue is dead and is made anew", queue=queue.name)
    with connection.channel() as channel:
        channel.queue_delete(queue.name)


def _answers(connection: Connection, queue: str) -> bool:
    """Whether a read gets any answer, be it an error. A dead queue blocks its channel, so the connection is its own."""
    probe = connection.clone()
    try:
        probe.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        channel = probe.channel()
        channel.send_method(spec.Basic.Get, "Bsb", (0, queue, False))
        channel.wait([spec.Basic.GetOk, spec.Basic.GetEmpty], timeout=PROBE_S, returns_tuple=True)
    except TimeoutError:
        return False
    except Transport.channel_errors:
        return True
    finally:
        with suppress(OSError):
            probe.collect(socket_timeout=1)
    return True

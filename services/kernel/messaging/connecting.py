"""Connections of asyncio to the broker that never wait for ever, and tell when they are lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, AMQPError

from services.kernel.logging import get_logger

CONNECT_TIMEOUT = 10.0
CLOSE_TIMEOUT = 5.0
BACKOFF = (0.2, 0.5, 1.0, 2.0)  # seconds
LOSSES = (*CONNECTION_EXCEPTIONS, AMQPError, TimeoutError)
"""What a lost broker raises."""

log = get_logger(__name__)

Lost = asyncio.Future[Literal[True]]
"""Done when what messages come over, a channel or a connection, is no more."""


@dataclass(frozen=True)
class Connected:
    connection: AbstractConnection
    lost: Lost


@asynccontextmanager
async def connected(uri: str, *, heartbeat: int | None = None) -> AsyncIterator[Connected]:
    """A connection, and when it is lost. Opening and closing it are bounded in time: aio-pika waits for ever for what a
    connection that breaks in the middle of either still owes. Raises one of `LOSSES`."""
    async with asyncio.timeout(CONNECT_TIMEOUT):
        connection = await aio_pika.connect(uri, heartbeat=heartbeat)
    try:
        yield Connected(connection, _lost(connection))
    finally:
        with suppress(*LOSSES):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await connection.close()


def _lost(connection: AbstractConnection) -> Lost:
    """`connection.closed()` only knows of a `close()` on this side."""
    lost: Lost = asyncio.get_running_loop().create_future()

    def note(*_: object) -> None:
        if not lost.done():
            lost.set_result(True)

    connection.close_callbacks.add(note)
    if not connection.connected.is_set():  # lost before anybody could be told
        note()
    return lost


async def keep_connected(
    uri: str, work: Callable[[Connected], Awaitable[None]], *, what: str, heartbeat: int | None = None
) -> None:
    """Do `work` over one connection after the other until cancelled. What is no loss of the broker is raised."""
    failures = 0
    while True:
        began = time.monotonic()
        try:
            error = await _until_lost(uri, work, heartbeat)
        except asyncio.CancelledError as cancelled:
            if is_to_stop():
                raise
            error = cancelled
        if time.monotonic() - began > CONNECT_TIMEOUT:
            failures = 0
        delay = BACKOFF[min(failures, len(BACKOFF) - 1)]
        failures += 1
        log.warning(f"{what} interrupted", error=repr(error), retry_in=delay)
        await asyncio.sleep(delay)


async def _until_lost(
    uri: str, work: Callable[[Connected], Awaitable[None]], heartbeat: int | None
) -> BaseException | None:
    lost: BaseException | None = None
    try:
        async with connected(uri, heartbeat=heartbeat) as broker:
            await work(broker)
    except* LOSSES as errors:
        lost = errors.exceptions[0]
    return lost


def is_to_stop() -> bool:
    """Whether somebody cancelled this task itself. aiormq cancels what waits for it when it finds a connection or
    channel broken: a task that takes that for its end is never seen again."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0

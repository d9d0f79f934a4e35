"""Batches of what queues of the broker deliver."""

import asyncio

from aio_pika.abc import AbstractIncomingMessage

from services.kernel.messaging.connecting import Lost

Arrived = asyncio.Queue[AbstractIncomingMessage]


async def next_batch(arrived: Arrived, lost: Lost, size: int, *, linger: float = 0.0) -> list[AbstractIncomingMessage]:
    """One to `size` messages; the first waits `linger` seconds for others.

    Raises ConnectionError when it is `lost` before one is there.
    """
    first = asyncio.ensure_future(arrived.get())
    try:
        await asyncio.wait((first, lost), return_when=asyncio.FIRST_COMPLETED)
        if lost.done():
            raise ConnectionError("the broker has closed what the messages come over")
        batch = [first.result()]
    finally:
        first.cancel()
    if linger and arrived.qsize() < size:
        await asyncio.sleep(linger)
    while len(batch) < size and not arrived.empty():
        batch.append(arrived.get_nowait())
    return batch

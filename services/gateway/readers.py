"""Readers of the broker's queues, each on a thread of its own beside the control loops."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

from services.kernel.logging import get_logger

log = get_logger(__name__)


class ReaderThread(threading.Thread):
    """Runs `read` until `stop` is set, and sets it when `read` ends; `error` then says why."""

    def __init__(self, name: str, read: Callable[[], Awaitable[None]], stop: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._read = read
        self._stop_event = stop
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._until_stopped())
        except Exception as error:
            log.exception("reader_ended", reader=self.name)
            self.error = error
            self._stop_event.set()

    async def _until_stopped(self) -> None:
        reading = asyncio.ensure_future(self._read())
        while not self._stop_event.is_set() and not reading.done():
            await asyncio.sleep(0.2)
        if reading.done():
            reading.result()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

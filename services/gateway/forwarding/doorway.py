"""Requests of callers whom nobody knows yet: small ones, a few at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.kernel.errors import DeadlineExceeded, ResourceExhausted

MOST_BYTES = 64 * 1024
TIME_S = 2.0
AT_ONCE, OF_ONE_ADDRESS = 8, 2


class Doorway:
    """Reads one message of a call that has no token.

    grpc reads a message whole before anybody sees it, up to the limit that pictures need. So few are read at the same
    time and each has little time, which bounds the memory that strangers can fill; who sends slowly holds up only
    others at its own address.
    """

    def __init__(self, *, at_once: int = AT_ONCE, of_one_address: int = OF_ONE_ADDRESS, time_s: float = TIME_S) -> None:
        self._turn = asyncio.Semaphore(at_once)
        self._of_one_address = of_one_address
        self._time_s = time_s
        self._addresses: dict[str, tuple[asyncio.Semaphore, int]] = {}

    async def read(self, requests: AsyncIterator[bytes], address: str) -> bytes:
        """The next message. Raises StopAsyncIteration, DeadlineExceeded, ResourceExhausted."""
        async with self._own_turn(address), self._turn:
            try:
                async with asyncio.timeout(self._time_s):
                    message = await anext(requests)
            except TimeoutError:
                raise DeadlineExceeded("The request message did not come in time.", reason="BODY_TOO_SLOW") from None
        if len(message) > MOST_BYTES:
            del message  # the traceback of the error would keep it
            raise ResourceExhausted(
                f"A request without a token may have at most {MOST_BYTES} bytes.", reason="BODY_TOO_LARGE"
            )
        return message

    @asynccontextmanager
    async def _own_turn(self, address: str) -> AsyncIterator[None]:
        turn, waiting = self._addresses.get(address, (asyncio.Semaphore(self._of_one_address), 0))
        self._addresses[address] = turn, waiting + 1
        try:
            async with turn:
                yield
        finally:
            turn, waiting = self._addresses.pop(address)
            if waiting > 1:
                self._addresses[address] = turn, waiting - 1

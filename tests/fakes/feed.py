"""A change feed that knows nothing: whoever waits looks again every 50 ms."""

import asyncio


class Sleeper:
    def subscribe(self) -> "Sleeper":
        return self

    async def wait(self, timeout: float) -> None:
        await asyncio.sleep(min(timeout, 0.05))

    def close(self) -> None: ...

"""A bad line: passes bytes on between a client and a server, and cuts connections at any moment."""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_LIVES_S = (0.02, 0.1, 0.3, 0.6)
_AT_ONCE = struct.pack("ii", 1, 0)  # the other side hears of a reset, not of an end


class BadLine:
    """Cuts while `bad` is true. `bad_line` makes it."""

    def __init__(self, host: str, port: int, seed: int) -> None:
        self.bad = True
        self.port = 0
        self.connections = 0
        self._server = (host, port)
        self._random = random.Random(seed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection(*self._server)
        pumps = [asyncio.create_task(_pump(reader, far_writer)), asyncio.create_task(_pump(far_reader, writer))]
        life = self._random.choice(_LIVES_S) * self._random.random() * 2 if self.bad else None
        await asyncio.wait(pumps, timeout=life, return_when=asyncio.FIRST_COMPLETED)
        reset = self._random.random() < 0.5
        for end in (writer, far_writer):
            if reset:
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            end.close()
        for pump in pumps:
            pump.cancel()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # it was cut


@asynccontextmanager
async def bad_line(host: str, port: int, seed: int) -> AsyncIterator[BadLine]:
    line = BadLine(host, port, seed)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()

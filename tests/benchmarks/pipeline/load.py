"""A load generator in a process of its own: `python -m tests.benchmarks.pipeline.load`, a `Load` as JSON on stdin.

Each client sends the same bytes over a connection of its own and waits for the answer before the next request. What is
sent was encoded before; answers are only counted. The result, one JSON object, holds the CPU time of this process too,
so that it can be seen that the generator was not what limited the rate.
"""

import asyncio
import base64
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field

import grpc
import uvloop

_WARM_UP_S = 0.5
Ask = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Load:
    """`method` is a gRPC method, or empty for HTTP, where `body` is the whole request. `body` is base64."""

    address: str
    body: str
    clients: int
    seconds: float
    method: str = ""
    token: str = ""


@dataclass(frozen=True)
class Result:
    """Times in seconds; `cpu_share` of one core."""

    requests_per_s: float
    p50_s: float
    p99_s: float
    cpu_share: float
    cpu_s: float = field(default=0.0)


async def _grpc_client(load: Load) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    channel = grpc.aio.insecure_channel(load.address, options=options)
    method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(load.method)
    body = base64.b64decode(load.body)
    metadata = (("authorization", f"Bearer {load.token}"),) if load.token else None

    async def ask() -> None:
        await method(body, metadata=metadata)

    return ask, channel.close


async def _http_client(load: Load) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    host, port = load.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = base64.b64decode(load.body)

    async def ask() -> None:
        writer.write(body)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head[:16]:
            raise RuntimeError((head + await reader.read(2000)).decode(errors="replace"))
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))

    async def close() -> None:
        writer.close()

    return ask, close


async def _one_client(load: Load, begin: float, taken: list[float]) -> None:
    ask, close = await (_grpc_client(load) if load.method else _http_client(load))
    end = begin + load.seconds
    while (now := time.perf_counter()) < end:
        await ask()
        if now >= begin:
            taken.append(time.perf_counter() - now)
    await close()


async def _run(load: Load) -> Result:
    taken: list[float] = []
    begin = time.perf_counter() + _WARM_UP_S
    used = _cpu()
    await asyncio.gather(*(_one_client(load, begin, taken) for _ in range(load.clients)))
    elapsed, used = time.perf_counter() - begin, _cpu() - used
    taken.sort()
    return Result(
        requests_per_s=len(taken) / elapsed,
        p50_s=taken[len(taken) // 2],
        p99_s=taken[len(taken) * 99 // 100],
        cpu_share=used / (elapsed + _WARM_UP_S),
        cpu_s=used,
    )


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    load = Load(**json.load(sys.stdin))
    uvloop.install()
    json.dump(asdict(asyncio.run(_run(load))), sys.stdout)


if __name__ == "__main__":
    main()

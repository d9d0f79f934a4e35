"""`/healthz`: this process lives. `/readyz`: every part answers, asked anew."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import aio_pika
import grpc
import httpx
from grpc_health.v1 import health_pb2
from starlette.requests import Request
from starlette.responses import Response

from services.kernel.storage import mongo
from services.kernel.storage.objects import ObjectStore

Check = Callable[[], Awaitable[None]]
"""Returns when the part works; any exception says why not."""

TIME_S = 2.0
KEPT_S = 1.0


@dataclass(frozen=True)
class PartState:
    ready: bool
    milliseconds: int
    error: str = ""


class Readiness:
    """Asks all parts at once, each for at most TIME_S; the answer holds for KEPT_S whoever asks."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = dict(checks)
        self._turn = asyncio.Lock()
        self._known: tuple[float, dict[str, PartState]] = (0.0, {})

    async def parts(self) -> dict[str, PartState]:
        async with self._turn:
            until, states = self._known
            if until < time.monotonic():
                found = await asyncio.gather(*(_ask(check) for check in self._checks.values()))
                states = dict(zip(self._checks, found, strict=True))
                self._known = (time.monotonic() + KEPT_S, states)
            return states

    async def endpoint(self, _request: Request) -> Response:
        states = await self.parts()
        ready = all(state.ready for state in states.values())
        body = {"ready": ready, "parts": {name: state.__dict__ for name, state in states.items()}}
        return Response(json.dumps(body), 200 if ready else 503, media_type="application/json")


async def alive(_request: Request) -> Response:
    return Response('{"alive": true}', media_type="application/json")


async def _ask(check: Check) -> PartState:
    began = time.perf_counter()
    error = ""
    try:
        async with asyncio.timeout(TIME_S):
            await check()
    except TimeoutError:
        error = f"no answer in {TIME_S:g} s"
    except Exception as failure:  # noqa: BLE001  # whatever it is, the part does not work
        # The kind only: messages of clients may hold addresses with passwords.
        error = failure.args[0] if isinstance(failure, NotServing) else type(failure).__name__
    return PartState(not error, round((time.perf_counter() - began) * 1000), error)


class NotServing(Exception):
    """The part answers, and says that it cannot work."""


def grpc_service(channel: grpc.aio.Channel) -> Check:
    ask: grpc.aio.UnaryUnaryMultiCallable[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse] = (
        channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
    )

    async def check() -> None:
        try:
            answer = await ask(health_pb2.HealthCheckRequest(), timeout=TIME_S)
        except grpc.aio.AioRpcError as error:
            raise NotServing(error.code().name) from None
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise NotServing(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

    return check


def database() -> Check:
    def ping() -> None:
        mongo.database().command("ping")

    return lambda: asyncio.to_thread(ping)


def object_store(store: ObjectStore) -> Check:
    def ask() -> None:
        store.stat("readiness")

    return lambda: asyncio.to_thread(ask)


def broker(uri: str) -> Check:
    async def check() -> None:
        connection = await aio_pika.connect(uri, timeout=TIME_S)
        await connection.close()

    return check


def triton(client: httpx.AsyncClient, address: str) -> Check:
    async def check() -> None:
        answer = await client.get(f"http://{address}/v2/health/ready", timeout=TIME_S)
        if answer.status_code != httpx.codes.OK:
            raise NotServing(f"HTTP {answer.status_code}")

    return check

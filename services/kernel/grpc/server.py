"""The gRPC server of a service.

Unary methods are plain functions in a bounded thread pool, streams are coroutines. Around every method: the caller's
token, the trace, the constraints of the proto, one transaction with idempotency for commands, and the error table.
"""

import asyncio
import contextvars
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import uvloop
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from grpc_reflection.v1alpha import reflection
from prometheus_client import Gauge, Histogram

from services.kernel import tokens, tracing
from services.kernel.config import KernelSettings
from services.kernel.context import NOBODY, Caller, acting_as, current_trace_id
from services.kernel.errors import DomainError, Internal, Unavailable
from services.kernel.grpc import CALLER_KEY, CHANNEL_OPTIONS, TRACE_KEY, commands, constraints
from services.kernel.grpc.channels import SERVER_OPTIONS, listen
from services.kernel.grpc.messages import parsed
from services.kernel.grpc.status import DETAILS_KEY, GRPC_CODES, code_name, to_status
from services.kernel.grpc.subjects import ids_in
from services.kernel.logging import about, get_logger
from services.kernel.metrics import FAST
from services.kernel.storage.outage import database_away

log = get_logger(__name__)

LATENCY = Histogram(
    "modelyard_rpc_duration_seconds", "Unary RPCs, from the request to the answer", ["method", "code"], buckets=FAST
)
RUNNING = Gauge("modelyard_rpc_in_progress", "Unary RPCs that run or wait for a thread")
STREAMS = Gauge("modelyard_rpc_streams_open", "Streams that are open", ["method"])
THREADS = 16
STREAM_THREADS = 32
"""For the blocking parts of streams (`asyncio.to_thread`), so that many that wait do not hold up each other."""
SHUTDOWN_GRACE_S = 5.0

Registration = tuple[object, ServiceDescriptor]


@dataclass(frozen=True)
class _Method:
    """One RPC: its descriptor, the function behind it and what surrounds it."""

    descriptor: MethodDescriptor
    function: Callable[[Any], Any]

    @property
    def name(self) -> str:
        return f"{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def noun(self) -> str:
        """What the service is about, for example `task` for `TaskService`."""
        return str(self.descriptor.containing_service.name).removesuffix("Service").lower()

    @property
    def request_class(self) -> type[Message]:
        return message_factory.GetMessageClass(self.descriptor.input_type)

    def run(self, request: Message) -> Message:
        """The answer; the log says why a command was refused."""
        try:
            return commands.answer(self.descriptor, self.function, request)
        except DomainError as error:
            if commands.is_command(self.descriptor, self.function):
                log.info("command_refused", method=self.name, reason=error.reason)
            raise


@contextmanager
def _told_errors(method: str) -> Iterator[None]:
    """Only `DomainError` leaves; anything else goes to the log, and the caller learns the trace id to find it by."""
    try:
        yield
    except DomainError:
        raise
    except Exception as error:
        if away := database_away(error):
            log.warning("database_away", method=method, error=repr(error))
            raise away from error
        log.exception("rpc_failed", method=method)
        trace_id = current_trace_id()
        raise Internal(
            f"Something went wrong on our side; it is in the log under the trace id {trace_id}.",
            metadata={"trace_id": trace_id},
        ) from error


@contextmanager
def _operation(method: _Method, request: bytes, metadata: dict[str, str], key: str) -> Iterator[Message]:
    """The parsed request, with the caller, the trace and the ids of the log around what is done with it."""
    token = metadata.get(CALLER_KEY, "")
    with tracing.span(method.name, kind="server", traceparent=metadata.get(TRACE_KEY, "")):
        caller: Caller = tokens.verify(token, key) if token else NOBODY
        message = parsed(method.request_class, request)
        with acting_as(caller), about(**ids_in(message, method.noun)), _told_errors(method.name):
            yield message


async def _abort(context: grpc.aio.ServicerContext[Any, Any], error: DomainError) -> None:
    status = to_status(error)
    context.set_trailing_metadata(((DETAILS_KEY, status.SerializeToString()),))
    await context.abort(GRPC_CODES[status.code], status.message)


class _Adapter:
    """Turns a servicer's methods into gRPC handlers."""

    def __init__(self, key: str, pool: ThreadPoolExecutor) -> None:
        self._key = key
        self._pool = pool
        self._streams: set[asyncio.Task[Any]] = set()
        self._stopping = False

    def end_streams(self) -> None:
        """Ask all that follow a stream to come again: they would otherwise hold up the end of the process."""
        self._stopping = True
        for task in self._streams:
            task.cancel()

    def handlers(self, servicer: object, service: ServiceDescriptor) -> grpc.GenericRpcHandler:
        constraints.precompile(service)
        made: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        for descriptor in service.methods:
            method = _Method(descriptor, getattr(servicer, descriptor.name))
            streams = descriptor.server_streaming
            make = grpc.unary_stream_rpc_method_handler if streams else grpc.unary_unary_rpc_method_handler
            made[descriptor.name] = make(
                self._stream(method) if streams else self._unary(method),
                response_serializer=lambda message: message.SerializeToString(),
            )
        return grpc.method_handlers_generic_handler(service.full_name, made)

    def _unary(self, method: _Method) -> Callable[..., Awaitable[Message | None]]:
        def call(request: bytes, metadata: dict[str, str]) -> Message:
            with _operation(method, request, metadata, self._key) as message:
                return method.run(message)

        async def behaviour(request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> Message | None:
            began, code = time.perf_counter(), "CANCELLED"
            RUNNING.inc()
            try:
                loop = asyncio.get_running_loop()
                carried = contextvars.copy_context()
                response = await loop.run_in_executor(self._pool, carried.run, call, request, _metadata(context))
            except DomainError as error:
                code = code_name(error)
                await _abort(context, error)
                return None
            else:
                code = "OK"
                return response
            finally:
                RUNNING.dec()
                LATENCY.labels(method.name, code).observe(time.perf_counter() - began)

        return behaviour

    def _stream(self, method: _Method) -> Callable[..., Awaitable[None]]:
        # A coroutine that writes, not a generator: a cancelled generator would be closed by the garbage collector, in
        # another task and context, long after its call.
        async def behaviour(request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> None:
            task = asyncio.current_task()
            assert task is not None  # a coroutine that runs has a task
            self._streams.add(task)
            STREAMS.labels(method.name).inc()
            try:
                with _operation(method, request, _metadata(context), self._key) as message:
                    constraints.validate(message)
                    async with aclosing(method.function(message)) as source:
                        async for answer in source:
                            await context.write(answer)
            except DomainError as error:
                await _abort(context, error)
            except asyncio.CancelledError:
                if not self._stopping:
                    raise
                await _abort(context, Unavailable("The server is going down; ask again."))
            finally:
                STREAMS.labels(method.name).dec()
                self._streams.discard(task)

        return behaviour


def _metadata(context: grpc.aio.ServicerContext[Any, Any]) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


def create(key: str, registrations: Iterable[Registration], pool: ThreadPoolExecutor) -> grpc.aio.Server:
    """A server with the servicers, health and reflection; it has no port yet."""
    return _create(_Adapter(key, pool), registrations, HealthServicer())


def _create(adapter: _Adapter, registrations: Iterable[Registration], health: HealthServicer) -> grpc.aio.Server:
    server = grpc.aio.server(options=[*CHANNEL_OPTIONS, *SERVER_OPTIONS])
    names = []
    for servicer, service in registrations:
        missing = [m.name for m in service.methods if not inspect.isroutine(getattr(servicer, m.name, None))]
        if missing:
            raise NotImplementedError(f"{type(servicer).__name__} lacks {', '.join(missing)} of {service.full_name}")
        server.add_generic_rpc_handlers((adapter.handlers(servicer, service),))
        names.append(service.full_name)
    add_HealthServicer_to_server(health, server)
    reflection.enable_server_reflection(
        [*names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME], server
    )
    return server


async def _serve(
    service: str, settings: KernelSettings, registrations: Sequence[Registration], stop: threading.Event
) -> None:
    address = settings.listen_address_of(service)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="rpc")
    streams = ThreadPoolExecutor(STREAM_THREADS, thread_name_prefix="rpc-stream")
    asyncio.get_running_loop().set_default_executor(streams)
    try:
        adapter, health = _Adapter(settings.token_key.get_secret_value(), pool), HealthServicer()
        server = _create(adapter, registrations, health)
        listen(server, address, settings.grpc_tls)
        for _, descriptor in registrations:
            await health.set(descriptor.full_name, health_pb2.HealthCheckResponse.SERVING)
        await server.start()
        log.info("rpc_listening", address=address)
        while not stop.is_set():
            await asyncio.sleep(0.1)
        await health.enter_graceful_shutdown()
        stopping = asyncio.create_task(server.stop(SHUTDOWN_GRACE_S))
        await asyncio.sleep(0)  # no new call is taken from here on
        adapter.end_streams()
        await stopping
    finally:
        for threads in (pool, streams):
            threads.shutdown(wait=False, cancel_futures=True)


def run(service: str, settings: KernelSettings, registrations: Sequence[Registration], stop: threading.Event) -> None:
    """Serve until `stop` is set, then finish what runs (at most `SHUTDOWN_GRACE_S` seconds)."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(service, settings, registrations, stop))

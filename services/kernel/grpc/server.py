"""The gRPC server of a service.

Unary methods are plain functions in a bounded thread pool, streams are coroutines. Around every method: the caller's
token, the trace, the constraints of the proto, one transaction with idempotency for commands, and the error table.
"""

import asyncio
import contextvars
import inspect
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from grpc_reflection.v1alpha import reflection
from prometheus_client import Histogram

from services.kernel import tokens
from services.kernel.config import KernelSettings
from services.kernel.context import NOBODY, Caller, acting_as, current_caller, with_trace
from services.kernel.errors import DomainError, Internal
from services.kernel.grpc import CALLER_KEY, CHANNEL_OPTIONS, TRACE_KEY, constraints
from services.kernel.grpc.status import DETAILS_KEY, GRPC_CODES, to_status
from services.kernel.logging import get_logger

log = get_logger(__name__)

LATENCY = Histogram("modelyard_rpc_seconds", "Time of unary RPCs", ["method", "code"])
THREADS = 16
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
    def is_command(self) -> bool:
        has_request_id = "request_id" in self.descriptor.input_type.fields_by_name
        return has_request_id and not getattr(self.function, "__modelyard_no_transaction__", False)

    @property
    def request_class(self) -> type[Message]:
        return message_factory.GetMessageClass(self.descriptor.input_type)

    @property
    def response_class(self) -> type[Message]:
        return message_factory.GetMessageClass(self.descriptor.output_type)

    def run(self, request: Message) -> Message:
        """Validate, then run the function; a command runs in one transaction and is remembered by its request id."""
        constraints.validate(request)
        if not self.is_command:
            response: Message = self.function(request)
            return response
        from services.kernel.storage.idempotency import remembered
        from services.kernel.storage.mongo import in_transaction

        request_id: str = request.request_id  # type: ignore[attr-defined]
        if not request_id:
            done: Message = in_transaction(lambda: self.function(request))
            return done
        key = f"{current_caller().user_id}|{self.name}|{request_id}"
        fingerprint = sha256(request.SerializeToString(deterministic=True)).hexdigest()
        stored, _ = remembered(key, lambda: self.function(request).SerializeToString(), fingerprint=fingerprint)
        return self.response_class.FromString(stored)


@contextmanager
def _operation(metadata: dict[str, str], key: str) -> Iterator[None]:
    token = metadata.get(CALLER_KEY, "")
    caller: Caller = tokens.verify(token, key) if token else NOBODY
    with acting_as(caller), with_trace(metadata.get(TRACE_KEY, "")):
        yield


def _as_domain_error(error: Exception, method: str) -> DomainError:
    if isinstance(error, DomainError):
        return error
    log.exception("rpc_failed", method=method)
    return Internal("Something went wrong on our side; it is in the log under the trace id of this request.")


async def _abort(context: grpc.aio.ServicerContext[Any, Any], error: DomainError) -> None:
    status = to_status(error)
    context.set_trailing_metadata(((DETAILS_KEY, status.SerializeToString()),))
    await context.abort(GRPC_CODES[status.code], error.message)


class _Adapter:
    """Turns a servicer's methods into gRPC handlers."""

    def __init__(self, key: str, pool: ThreadPoolExecutor) -> None:
        self._key = key
        self._pool = pool

    def handlers(self, servicer: object, service: ServiceDescriptor) -> grpc.GenericRpcHandler:
        constraints.precompile(service)
        made: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        for descriptor in service.methods:
            method = _Method(descriptor, getattr(servicer, descriptor.name))
            streams = descriptor.server_streaming
            make = grpc.unary_stream_rpc_method_handler if streams else grpc.unary_unary_rpc_method_handler
            made[descriptor.name] = make(
                self._stream(method) if streams else self._unary(method),
                request_deserializer=method.request_class.FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
        return grpc.method_handlers_generic_handler(service.full_name, made)

    def _unary(self, method: _Method) -> Callable[..., Awaitable[Message | None]]:
        def call(request: Message, metadata: dict[str, str]) -> Message:
            with _operation(metadata, self._key):
                return method.run(request)

        async def behaviour(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> Message | None:
            began, code = time.perf_counter(), "OK"
            try:
                loop = asyncio.get_running_loop()
                carried = contextvars.copy_context()
                return await loop.run_in_executor(self._pool, carried.run, call, request, _metadata(context))
            except Exception as error:  # noqa: BLE001  # the edge: every error becomes a status
                failure = _as_domain_error(error, method.name)
                code = failure.reason
                await _abort(context, failure)
                return None
            finally:
                LATENCY.labels(method.name, code).observe(time.perf_counter() - began)

        return behaviour

    def _stream(self, method: _Method) -> Callable[..., AsyncIterator[Message]]:
        async def behaviour(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Message]:
            try:
                with _operation(_metadata(context), self._key):
                    constraints.validate(request)
                    source = method.function(request)
                    try:
                        async for message in source:
                            yield message
                    finally:
                        await source.aclose()
            except Exception as error:  # noqa: BLE001  # the edge: every error becomes a status
                await _abort(context, _as_domain_error(error, method.name))

        return behaviour


def _metadata(context: grpc.aio.ServicerContext[Any, Any]) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


def create(key: str, registrations: Iterable[Registration], pool: ThreadPoolExecutor) -> grpc.aio.Server:
    """A server with the servicers, health and reflection; it has no port yet."""
    server = grpc.aio.server(options=[*CHANNEL_OPTIONS, ("grpc.so_reuseport", 0)])
    adapter = _Adapter(key, pool)
    names = []
    for servicer, service in registrations:
        missing = [m.name for m in service.methods if not inspect.isroutine(getattr(servicer, m.name, None))]
        if missing:
            raise NotImplementedError(f"{type(servicer).__name__} lacks {', '.join(missing)} of {service.full_name}")
        server.add_generic_rpc_handlers((adapter.handlers(servicer, service),))
        names.append(service.full_name)
    health = HealthServicer()
    add_HealthServicer_to_server(health, server)
    reflection.enable_server_reflection(
        [*names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME], server
    )
    return server


async def _serve(address: str, key: str, registrations: Sequence[Registration], stop: threading.Event) -> None:
    with ThreadPoolExecutor(THREADS, thread_name_prefix="rpc") as pool:
        server = create(key, registrations, pool)
        if server.add_insecure_port(address) == 0:
            raise OSError(f"the gRPC server cannot listen on {address}: the port is in use")
        await server.start()
        log.info("rpc_listening", address=address)
        while not stop.is_set():
            await asyncio.sleep(0.1)
        await server.stop(SHUTDOWN_GRACE_S)


def run(service: str, settings: KernelSettings, registrations: Sequence[Registration], stop: threading.Event) -> None:
    """Serve until `stop` is set, then finish what runs (at most `SHUTDOWN_GRACE_S` seconds)."""
    asyncio.run(_serve(settings.address_of(service), settings.token_key.get_secret_value(), registrations, stop))

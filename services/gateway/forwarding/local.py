"""Services that the gateway itself implements, called as the others are."""

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from services.gateway.contract.contract import Method
from services.gateway.forwarding.calls import Call, CallFailed
from services.kernel import tracing
from services.kernel.context import acting_as, new_traceparent, within_trace
from services.kernel.errors import DeadlineExceeded, DomainError, Internal
from services.kernel.grpc import commands, constraints
from services.kernel.grpc.messages import parsed
from services.kernel.logging import get_logger
from services.kernel.storage.outage import database_away

log = get_logger(__name__)

_NO_CALL = Call()
_current: ContextVar[Call] = ContextVar("local_call", default=_NO_CALL)


def current_call() -> Call:
    """The call that a local service's method answers."""
    return _current.get()


class LocalBackend:
    """One proto service implemented by an object: unary methods are plain functions, streams async generators."""

    def __init__(self, servicer: object, service: ServiceDescriptor, pool: ThreadPoolExecutor) -> None:
        constraints.precompile(service)
        self._methods: dict[str, MethodDescriptor] = {method.name: method for method in service.methods}
        self._functions = {name: getattr(servicer, name) for name in self._methods}
        self._pool = pool

    async def unary(self, method: Method, request: bytes, call: Call) -> bytes:
        function: Callable[[Message], Message] = self._functions[method.name]
        descriptor = self._methods[method.name]

        def work() -> bytes:
            with _operation(call), tracing.span(method.path.lstrip("/")):
                message = self._message(method, request)
                return commands.answer(descriptor, function, message).SerializeToString()

        running = asyncio.get_running_loop().run_in_executor(self._pool, contextvars.copy_context().run, work)
        with _translated(method):
            return await asyncio.wait_for(asyncio.shield(running), call.time_left)

    async def stream(self, method: Method, request: bytes, call: Call) -> AsyncGenerator[bytes, None]:
        with _translated(method), _operation(call):
            message = self._message(method, request)
            constraints.validate(message)
            source = self._functions[method.name](message)
            try:
                async for message in source:
                    yield message.SerializeToString()
            finally:
                await source.aclose()

    def _message(self, method: Method, request: bytes) -> Message:
        return parsed(message_factory.GetMessageClass(self._methods[method.name].input_type), request)


@contextmanager
def _operation(call: Call) -> Iterator[None]:
    token = _current.set(call)
    try:
        with acting_as(call.caller), within_trace(call.traceparent or new_traceparent()):
            yield
    finally:
        _current.reset(token)


@contextmanager
def _translated(method: Method) -> Iterator[None]:
    """Every error that leaves is a CallFailed, as those of other services are."""
    try:
        yield
    except DomainError as error:
        raise CallFailed.of(error) from error
    except TimeoutError as error:
        raise CallFailed.of(DeadlineExceeded("The request took longer than it may.")) from error
    except Exception as error:
        if away := database_away(error):
            log.warning("database_away", method=method.path, error=repr(error))
            raise CallFailed.of(away) from error
        log.exception("local_call_failed", method=method.path)
        raise CallFailed.of(
            Internal("Something went wrong on our side; it is in the log under the trace id of this request.")
        ) from error

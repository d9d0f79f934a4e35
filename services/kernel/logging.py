"""Structured logs: JSON lines on stderr, with the ids of the operation bound once and without secrets."""

import logging
import sys
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from services.kernel.context import current_caller, current_trace_id
from services.kernel.redaction import masked, remember_secrets

_LONGEST_ID = 200
_NOISY = ("aiormq", "aio_pika", "urllib3", "pymongo", "amqp", "httpx", "uvicorn.access")


def about(**ids: str) -> AbstractContextManager[object]:
    """Every log line of the body carries these ids (`task_id`, `run_id`, `workload_id`, …); empty ones are left out."""
    return structlog.contextvars.bound_contextvars(**{name: text[:_LONGEST_ID] for name, text in ids.items() if text})


def ids_of_subject(subject: str) -> dict[str, str]:
    """`run/task-1-2` as `{"run_id": "task-1-2"}`, the id of what something is about."""
    kind, _, rest = subject.partition("/")
    return {f"{kind}_id": rest.partition("/")[0]} if kind.isidentifier() and rest else {}


def _add_context(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    trace_id = current_trace_id()
    if trace_id:
        event.setdefault("trace_id", trace_id)
    caller = current_caller()
    if caller.user_id:
        event.setdefault("actor", caller.user_id)
    return event


def _of_process(service: str, role: str) -> Processor:
    # Not bound as context: threads begin with an empty one.
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        event.setdefault("role", role)
        return event

    return add


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: masked(value, name) for name, value in event.items()}


def configure(service: str, role: str, *, level: str = "info", fmt: str = "json", secrets: Iterable[str] = ()) -> None:
    """Route structlog and the standard library's loggers to one stream. Call it once, first thing in `__main__`.

    `secrets` are values that must never be shown. Errors that end a thread are logged like all others.
    """
    remember_secrets(secrets)
    renderer: Processor = (
        structlog.dev.ConsoleRenderer() if fmt == "console" else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_context,
        _of_process(service, role),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _redact, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # They tell of each attempt that failed; `span_export` tells once, and whoever connects tells when it tries again.
    for repeating in ("opentelemetry", "aiormq.connection"):
        logging.getLogger(repeating).setLevel(logging.CRITICAL)
    threading.excepthook = _log_thread_error


def _log_thread_error(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_type is SystemExit or failed.exc_value is None:
        return
    name = failed.thread.name if failed.thread else ""
    get_logger(__name__).error("thread_failed", thread=name, exc_info=failed.exc_value)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger

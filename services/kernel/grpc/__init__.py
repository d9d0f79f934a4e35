"""gRPC for all services: one place for identity, constraints, transactions, errors and traces."""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

CALLER_KEY = "x-modelyard-caller"
TRACE_KEY = "traceparent"
MAX_MESSAGE_BYTES = 64 * 1024 * 1024

CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", 64 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
)


def without_transaction(method: F) -> F:
    """Mark an RPC method that does its own transactions although its request has a `request_id`."""
    method.__modelyard_no_transaction__ = True  # type: ignore[attr-defined]
    return method

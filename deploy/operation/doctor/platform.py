"""What the platform says of itself over its public API; works from anywhere."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from google.protobuf.json_format import ParseDict

from deploy.operation.doctor.servers import of_clock
from protos.operation.v1 import maintenance_pb2, operation_pb2
from services.gateway.cli.garbage import size
from services.gateway.client import Client
from services.kernel.diagnosis import Finding, of_condition, ok, warning, wrong
from services.kernel.storage.condition import ServiceCondition, Stuck

CERTIFICATE_DAYS = 14
GARBAGE_LATE_DAYS = 3
_TIME_S = 10.0


def ready(url: str) -> Iterator[Finding]:
    """`/readyz`, part by part."""
    try:
        answer = httpx.get(f"{url}/readyz", timeout=_TIME_S, trust_env=False)
    except httpx.TransportError as error:
        told = f"nobody answers at {url} ({type(error).__name__})"
        yield wrong("gateway", told, "Start it (`make up` on one machine), or name another address: MODELYARD_URL.")
        return
    yield ok("gateway", f"answers at {url}")
    if date := answer.headers.get("date"):
        yield of_clock("the gateway", parsedate_to_datetime(date), datetime.now(UTC))
    parts: Mapping[str, Mapping[str, Any]] = answer.json()["parts"]
    for name, part in parts.items():
        if not part["ready"]:
            told = f"the gateway does not reach it: {part['error']}"
            yield wrong(f"gateway → {name}", told, f"See whether {name} runs, and its log.")


def certificate(url: str) -> Iterator[Finding]:
    """Of an address with https: valid, and for how long."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 443), timeout=_TIME_S) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secured,
        ):
            certificate = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        yield wrong("certificate", str(error.verify_message), "Renew it, or install the authority that signed it.")
        return
    yield of_certificate(str(certificate.get("notAfter", "")), datetime.now(UTC))


def of_certificate(not_after: str, now: datetime) -> Finding:
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(not_after), UTC)
    days = (ends - now).days
    told = f"valid for {days} days"
    if days < CERTIFICATE_DAYS:
        return warning("certificate", told, "Renew it.")
    return ok("certificate", told)


def condition(client: Client) -> Iterator[Finding]:
    """Of all services, dead letters and garbage. Raises ApiError when the caller is no administrator."""
    found = ParseDict(client.get("/api/v1/condition"), operation_pb2.Condition(), ignore_unknown_fields=True)
    for service in found.services:
        yield from of_condition(_condition(service))
    yield of_dead_letters(found.dead_letters)
    if found.HasField("last_garbage_collection"):
        yield from of_garbage(found.last_garbage_collection, found.time.ToDatetime(UTC))


def _condition(message: maintenance_pb2.ServiceCondition) -> ServiceCondition:
    return ServiceCondition(
        message.service,
        error=message.error,
        unsent_events=message.unsent_events,
        oldest_unsent_at=message.oldest_unsent_at.ToDatetime(UTC) if message.HasField("oldest_unsent_at") else None,
        control_holder=message.control_holder,
        event_queues=tuple(message.event_queues),
        stuck=tuple(
            Stuck(one.kind, one.id, one.state, one.since_at.ToDatetime(UTC), one.detail) for one in message.stuck
        ),
        time=message.time.ToDatetime(UTC),
    )


def of_dead_letters(count: int) -> Finding:
    if not count:
        return ok("dead letters", "none")
    advice = "`modelyard dead-letters list` shows them; mend what they failed of, then `modelyard dead-letters replay`."
    return warning("dead letters", f"{count} events could not be handled by their consumers", advice)


def of_garbage(last: operation_pb2.GarbageCollection, now: datetime) -> Iterator[Finding]:
    if last.state == operation_pb2.GarbageCollection.STATE_FAILED:
        yield wrong("garbage", f"the last collection failed: {last.error}", "Mend that; it is tried again every hour.")
    elif (now - last.created_at.ToDatetime(UTC)).days >= GARBAGE_LATE_DAYS:
        told = f"the last collection was on {last.created_at.ToDatetime(UTC):%Y-%m-%d}"
        yield warning("garbage", told, "See whether the process `gateway control` runs.")
    else:
        yield ok("garbage", f"the last collection removed {size(last.removed.bytes)}")
    if last.missing:
        names = ", ".join(last.missing_names[:3])
        told = f"{last.missing} objects that something refers to are not in the store: {names}"
        yield wrong("content", told, "Restore them from a backup, or delete what refers to them.")


def not_told(error: Exception) -> Finding:
    """Why the condition could not be asked for."""
    told = f"its condition was not told: {error}"
    return warning("platform", told, "Sign in as an administrator: `modelyard login`.")

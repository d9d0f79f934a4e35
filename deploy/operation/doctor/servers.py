"""MongoDB, the object store and Triton."""

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.embedded.processes import start_time
from services.kernel.config import KernelSettings
from services.kernel.diagnosis import Finding, of_condition, ok, warning, wrong
from services.kernel.errors import DomainError
from services.kernel.storage.condition import condition_of
from services.kernel.storage.objects import MinioStore, ObjectStore

SERVICES = ("dataset", "algorithm", "trainer", "scheduler", "serving", "gateway")
TRANSACTION_S = 30
SKEW_S = 5.0
_TIME_S = 5.0
_NOT_AUTHENTICATED = (13, 18)

Client = MongoClient[dict[str, Any]]


def client_of(settings: KernelSettings) -> Client:
    return MongoClient(settings.mongo_uri.get_secret_value(), serverSelectionTimeoutMS=3000, tz_aware=True)


def mongodb(client: Client) -> Iterator[Finding]:
    """Primary, access, version, the limit of transactions, the clock."""
    try:
        hello = client.admin.command("hello")
        version = str(client.server_info()["version"])
        found = client.admin.command({"getParameter": 1, "transactionLifetimeLimitSeconds": 1})
    except OperationFailure as error:
        if error.code not in _NOT_AUTHENTICATED:
            raise
        yield wrong("mongodb", "it refuses the platform's user", "Check user and password in MODELYARD_MONGO_URI.")
        return
    except PyMongoError as error:
        told = f"no primary answers ({type(error).__name__})"
        yield wrong("mongodb", told, "Start it; its log says why it ended. A replica set needs most of its members.")
        return
    yield of_hello(hello, version)
    yield of_transaction_limit(int(found["transactionLifetimeLimitSeconds"]))
    yield of_clock("mongodb", hello["localTime"], datetime.now(UTC))


def of_hello(hello: Mapping[str, Any], version: str) -> Finding:
    if not hello.get("setName"):
        advice = "Start it as a replica set, of one member if need be: the platform needs transactions."
        return wrong("mongodb", "it is no replica set", advice)
    if not hello.get("isWritablePrimary"):
        return wrong("mongodb", "it is not primary", "See `rs.status()`: most members must be up.")
    return ok("mongodb", f"version {version}, primary of {hello['setName']}")


def of_transaction_limit(seconds: int) -> Finding:
    told = f"transactions of killed processes keep their locks for {seconds} s"
    if seconds > TRANSACTION_S:
        return warning("mongodb transactions", told, "Set the server parameter transactionLifetimeLimitSeconds to 10.")
    return ok("mongodb transactions", told)


def of_clock(server: str, theirs: datetime, ours: datetime) -> Finding:
    # Answers to commands come without a time zone.
    aware = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    skew = abs((aware - ours).total_seconds())
    if skew > SKEW_S:
        return wrong("clock", f"that of {server} is {skew:.0f} s off", "Let both machines follow a time server.")
    return ok("clock", f"that of {server} agrees")


def conditions(client: Client, *, leases_only: bool) -> Iterator[Finding]:
    """The kernel's collections of every service. With `leases_only` just whether who holds a lease lives."""
    for service in SERVICES:
        condition = condition_of(service, client[f"modelyard_{service}"])
        yield from lease_holder(service, condition.control_holder)
        if not leases_only:
            yield from of_condition(condition)


def lease_holder(service: str, holder: str) -> Iterator[Finding]:
    """All processes of an embedded instance run on this machine."""
    pid = holder.split(":")[1] if holder.count(":") >= 2 else ""
    if pid.isdecimal() and start_time(int(pid)) is None:
        told = f"process {pid}, which holds the control lease, is gone; another takes over in seconds"
        yield warning(f"{service}: control", told, "If this stays so, see whether the process of the service runs.")


def object_store(settings: KernelSettings, store: ObjectStore | None = None) -> Iterator[Finding]:
    """Write, read and delete a small object."""
    used = MinioStore(settings, tries=0) if store is None else store
    key, content = f"doctor/{secrets.token_hex(8)}", secrets.token_bytes(64)
    try:
        used.put(key, content)
        with used.get(key) as stream:
            same = stream.read() == content
        used.delete(key)
        gone = used.info(key) is None
    except DomainError as error:
        yield wrong("object store", error.message, "Start it, check its keys and its disk; its log says more.")
        return
    if same and gone:
        yield ok("object store", "writes, reads and deletes")
    else:
        yield wrong("object store", "it does not give back what was written", "Check its disk and its configuration.")


def triton(address: str) -> Iterator[Finding]:
    """Ready, and the models that it could not load."""
    try:
        _ask(address, "/v2/health/ready")
        about, models = _ask(address, "/v2"), _ask(address, "/v2/repository/index", b"{}")
    except (OSError, urllib.error.URLError) as error:
        told = f"it is not ready ({getattr(error, 'reason', None) or error})"
        yield wrong("triton", told, "Start it; its log says why it ended. Model services do not answer meanwhile.")
        return
    yield ok("triton", f"version {about.get('version')} is ready")
    yield from of_models(models)


def _ask(address: str, path: str, body: bytes | None = None) -> Any:
    request = urllib.request.Request(f"http://{address}{path}", data=body)
    with urllib.request.urlopen(request, timeout=_TIME_S) as answer:  # noqa: S310
        content = answer.read()
    return json.loads(content) if content else {}


def of_models(models: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    for model in models:
        reason = str(model.get("reason", ""))
        if model.get("state") == "UNAVAILABLE" and reason and reason != "unloaded":
            told = f"{model['name']} could not be loaded: {reason.splitlines()[0][:200]}"
            advice = "See `modelyard services list`; stop and start the service, or publish the model anew."
            yield wrong("triton models", told, advice)

"""What should not be there any more when all work has ended and every service is deleted."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from kombu import Connection
from pymongo import MongoClient

from deploy.embedded.processes import MARKER, command_line, process_ids, start_time
from deploy.embedded.settings import PORT_OFFSETS
from services.gateway.client import Client
from services.kernel.messaging.subscription import subscriptions_of
from services.kernel.messaging.topology import dead_queue_name, log_queue_name
from services.kernel.storage.objects import MinioStore
from services.scheduler.engines.process.shim import tree
from services.serving.events import ServingEvents
from services.trainer.events import TrainerEvents
from tests.faults.subscriber import SERVICES
from tests.faults.targets import pids_of, stubs
from tests.support.instance import Platform
from tests.support.service_process import kernel_settings_of

Mongo = MongoClient[dict[str, Any]]
Query = dict[str, Any]
UNSENT: Query = {"sent": False}
OPEN_JOBS: Query = {"state": {"$in": ["pending", "running"]}}
OPEN_ROWS: tuple[tuple[str, str, Query], ...] = (
    ("scheduler", "workloads", {"$or": [{"lease": {"$ne": None}}, {"state": {"$ne": "exited"}}]}),
    ("trainer", "runs", {"phase": {"$ne": "closed"}}),
    ("serving", "services", {}),
    ("gateway", "uploads", {"finished": False}),
)


def leftovers(platform: Platform, client: Client) -> list[str]:
    """Everything that is left, in words; empty when the instance is clean."""
    environment = platform.environment()
    found = [*_of_api(client), *_of_triton(platform), *_processes(platform.home), *_folders(platform.home)]
    with MongoClient[dict[str, Any]](environment["MODELYARD_MONGO_URI"], serverSelectionTimeoutMS=20_000) as mongo:
        found += [*_rows(mongo), *_half_uploads(mongo, environment)]
    return found + list(_messages(environment["MODELYARD_AMQP_URI"]))


def _of_api(client: Client) -> Iterator[str]:
    for workload in client.pages("/api/v1/workloads", "workloads", page_size=500):
        if workload["state"] != "STATE_EXITED" or workload.get("lease"):
            yield f"workload {workload['id']} of {workload['spec']['subject']} is {workload['state']}"
    for service in client.pages("/api/v1/services", "services", page_size=500):
        yield f"service {service['id']} is {service['state']}"


def _of_triton(platform: Platform) -> Iterator[str]:
    address = f"http://127.0.0.1:{platform.port_base + PORT_OFFSETS['triton-http']}"
    for model in httpx.post(f"{address}/v2/repository/index", json={}, timeout=10).json():
        if model.get("state") not in (None, "UNAVAILABLE"):
            yield f"Triton has the model {model['name']}: {model['state']}"
    for pid, model in stubs(platform.home).items():
        yield f"Triton stub {pid} of {model}"


def _processes(home: Path) -> Iterator[str]:
    """Workloads, and programs of the instance that nobody supervises any more."""
    supervised: dict[str, list[int]] = {}
    for pid in process_ids():
        try:
            variables = (Path("/proc") / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for variable in variables:
            name, _, value = variable.decode(errors="replace").partition("=")
            if name == "MODELYARD_WORK_FOLDER" and value.startswith(f"{home}/") and start_time(pid):
                yield f"workload process {pid} in {value}"
            if name == MARKER and value.endswith(f"@{home}"):
                program = value.partition("@")[0]
                known = supervised.setdefault(program, _family(home, program))
                if pid not in known and start_time(pid):
                    yield f"process {pid} of {program} beside the supervised one: {command_line(pid)[:3]}"


def _family(home: Path, program: str) -> list[int]:
    """A supervised program and what it started, in sessions of their own as well."""
    pids = pids_of(home, program)
    return pids + [child for pid in pids for child in tree.all_descendants(pid)]


def _folders(home: Path) -> Iterator[str]:
    for pattern in (
        "agent/work/*",
        "agent/checkpoints/*",
        "triton/models/svc-*",
        "triton/models/.staging/*",
        "work/*/work-*/*",
    ):
        for path in home.glob(pattern):
            if path.name != "in-use.lock":
                yield f"folder {path.relative_to(home)}"


def _rows(mongo: Mongo) -> Iterator[str]:
    for service in SERVICES:
        database = mongo[f"modelyard_{service}"]
        for collection, query in (("outbox", UNSENT), ("jobs", OPEN_JOBS)):
            if count := database[collection].count_documents(query):
                yield f"{count} open rows in {service}.{collection}"
    for service, collection, query in OPEN_ROWS:
        if count := mongo[f"modelyard_{service}"][collection].count_documents(query):
            yield f"{count} open rows in {service}.{collection}"


def _half_uploads(mongo: Mongo, environment: dict[str, str]) -> Iterator[str]:
    """Objects of uploads that nobody knows."""
    known = {row["_id"] for row in mongo["modelyard_gateway"]["uploads"].find({}, {"_id": 1})}
    stored = {key.split("/")[1] for key in MinioStore(kernel_settings_of(environment)).list("uploads/")}
    for upload_id in sorted(stored - known):
        yield f"objects of the unknown upload {upload_id}"


def _messages(amqp_uri: str) -> Iterator[str]:
    """Messages in queues that should be empty: dead letters, retries, the queues themselves."""
    names = [name for service in SERVICES for name in _with_dead(log_queue_name(service))]
    for consumer in (TrainerEvents, ServingEvents):
        for subscription in subscriptions_of(consumer):
            names += [queue.name for queue in subscription.topology().queues]
    with Connection(amqp_uri, connect_timeout=5) as connection:
        for name in names:
            with connection.channel() as channel:
                if count := channel.queue_declare(name, passive=True).message_count:
                    yield f"{count} messages in {name}"


def _with_dead(queue: str) -> tuple[str, str]:
    return queue, dead_queue_name(queue)


def settled(find: Callable[[], list[str]]) -> list[str]:
    """What `find` says, where an error is something left as well."""
    try:
        return find()
    except Exception as error:
        return [f"the instance does not answer: {error!r}"]

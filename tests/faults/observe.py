"""Looks at an instance from the outside, when its work is done."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pymongo import MongoClient

from services.gateway.client import Client
from services.kernel.errors import DomainError
from services.kernel.storage.objects import MinioStore
from services.kernel.storage.uploads import UploadStream, read_manifest
from tests.faults.checker import Observation, TaskSeen
from tests.faults.history import History
from tests.faults.subscriber import SERVICES, Delivery
from tests.support.instance import Platform
from tests.support.service_process import kernel_settings_of

Mongo = MongoClient[dict[str, Any]]


def observe(
    platform: Platform,
    client: Client,
    history: History,
    deliveries: Sequence[Delivery],
    left: Sequence[str],
    uploads: Mapping[str, str],
    earlier: Mapping[str, str],
) -> Observation:
    """Everything that the checker compares. `left`, `uploads` and `earlier` were found before."""
    with _mongo(platform) as mongo:
        return Observation(
            tasks=dict(_tasks(client)),
            outbox=frozenset(_committed(mongo)),
            earlier=earlier,
            deliveries=[delivery.body for delivery in deliveries],
            logged=[row["event_id"] for row in mongo["modelyard_gateway"]["event_log"].find({}, {"event_id": 1})],
            uploads=uploads,
            imports=dict(_imports(client, history)),
            runs=_runs(client),
            left=left,
        )


def _mongo(platform: Platform) -> Mongo:
    uri = platform.environment()["MODELYARD_MONGO_URI"]
    return MongoClient(uri, readConcernLevel="majority", serverSelectionTimeoutMS=20_000)


def _committed(mongo: Mongo) -> dict[str, str]:
    """The events of all services with their subjects; the outbox keeps what was sent for days."""
    return {
        row["_id"]: row["subject"]
        for service in SERVICES
        for row in mongo[f"modelyard_{service}"]["outbox"].find({}, {"subject": 1})
    }


def committed(platform: Platform) -> dict[str, str]:
    """Subjects of the events so far, by id."""
    with _mongo(platform) as mongo:
        return _committed(mongo)


def all_arrived(platform: Platform, deliveries: Sequence[Delivery], earlier: Mapping[str, str]) -> bool:
    """Whether the subscriber and the event log have all events that were committed."""
    with _mongo(platform) as mongo:
        ids = _committed(mongo)
        logged = mongo["modelyard_gateway"]["event_log"].count_documents({})
    texts = b"\n".join(delivery.body for delivery in list(deliveries))
    return logged >= len(ids) and all(f'"id":"{one}"'.encode() in texts for one in ids.keys() - earlier.keys())


def _tasks(client: Client) -> Iterator[tuple[str, TaskSeen]]:
    for task in client.pages("/api/v1/tasks", "tasks", page_size=500):
        yield task["id"], TaskSeen(task["state"], int(task["run_number"]), task.get("error", ""))


def _imports(client: Client, history: History) -> Iterator[tuple[str, int]]:
    for promise in history.imports:
        dataset = client.get(f"/api/v1/datasets/{promise.dataset_id}")
        if dataset["state"] == "STATE_IMPORTED":
            yield promise.dataset_id, int(dataset["version"]["train_samples"])


def _runs(client: Client) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for workload in client.pages("/api/v1/workloads", "workloads", page_size=500):
        found[workload["spec"]["subject"]].append(workload["id"])
    return found


def stored_uploads(platform: Platform, history: History) -> dict[str, str]:
    """SHA-256 of what the object store has of each accepted upload."""
    store = MinioStore(kernel_settings_of(platform.environment()))
    found: dict[str, str] = {}
    for promise in history.uploads:
        try:
            digest = hashlib.sha256(UploadStream(store, read_manifest(store, promise.id)).read())
        except DomainError as error:
            history.trouble(f"{promise.id} cannot be read: {error.message}")
        else:
            found[promise.id] = digest.hexdigest()
    return found

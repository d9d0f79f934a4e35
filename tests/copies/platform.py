"""An instance with two copies of every stateless process, looked at from the outside."""

import os
import re
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from deploy.embedded.settings import Instance
from deploy.embedded.stack import Stack
from services.gateway.client import Client
from services.kernel.ids import new_id
from tests.support.servers import free_port_base

SERVICES = ("dataset", "algorithm", "trainer", "scheduler", "serving", "gateway")
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True)
class Holding:
    """Who holds the control lease of a service."""

    holder: str
    token: int

    @property
    def pid(self) -> int:
        """The holder calls itself `host:pid:id`."""
        return int(self.holder.split(":")[1])


class Copies:
    """A started instance."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(
            stack.environment()["MODELYARD_MONGO_URI"], tz_aware=True
        )

    @property
    def urls(self) -> list[str]:
        """The gateways."""
        instance = self.stack.instance
        return [f"http://{instance.address('gateway-http')}", f"http://{instance.address('gateway-http-2')}"]

    def client(self, url: str = "", token: str = "") -> Client:
        client = Client(url or self.urls[0], token, patience_s=0 if token else 60)
        if not token:
            client.sign_in("admin", self.stack.secrets.admin_password)
        return client

    def database(self, service: str) -> Database[dict[str, Any]]:
        return self._mongo[f"modelyard_{service}"]

    def holding(self, service: str) -> Holding | None:
        """The present holder; None while the lease is free or has run out."""
        unexpired = {"$gte": ["$expires_at", "$$NOW"]}
        found = self.database(service)["control_leases"].find_one({"holder": {"$ne": ""}, "$expr": unexpired})
        return Holding(found["holder"], found["token"]) if found else None

    def commit_event(self, service: str) -> str:
        """An event in the outbox, as a committed change leaves it; gives its id."""
        event = new_id("ev")
        self.database(service)["outbox"].insert_one(
            {
                "_id": event,
                "type": "probe.made",
                "subject": f"probe/{event}",
                "sequence": 1,
                "time": datetime.now(UTC),
                "dataschema": "google.protobuf.Empty",
                "traceparent": "",
                "actor": "test",
                "project": "default",
                "data": "{}",
                "sent": False,
            }
        )
        return event

    def is_relayed(self, service: str, event: str) -> bool:
        found = self.database(service)["outbox"].find_one({"_id": event})
        return found is not None and found["sent"]

    def metric(self, pid: int, name: str) -> float:
        """One value out of the metrics of the process; the first of its series."""
        environ = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        port = next(line.partition("=")[2] for line in environ if line.startswith("MODELYARD_METRICS_PORT="))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            found = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", answer.read().decode(), re.MULTILINE)
        return float(found[1]) if found else 0.0

    def changed_by(self, service: str, pid: int, elsewhere: Sequence[str]) -> int:
        """Documents of collections other than `elsewhere` that the profile shows as changed by the process."""
        database = self.database(service)
        noted = database["system.profile"].find(
            {"appName": {"$regex": f":{pid}$"}, "ns": {"$nin": [f"{database.name}.{name}" for name in elsewhere]}}
        )
        counts = ("nModified", "ninserted", "ndeleted", "nUpserted")
        return sum(entry.get(name, 0) for entry in noted for name in counts)

    def close(self) -> None:
        self._mongo.close()


@contextmanager
def started(*, triton: bool) -> Iterator[Copies]:
    """Without Triton the serving service has nothing to load models into, all else works."""
    home = Path(tempfile.mkdtemp(prefix="modelyard-copies-"))
    inherited = {name: value for name, value in os.environ.items() if name in _PASSED_ON}
    stack = Stack(Instance(home, free_port_base(), copies=2, inherited=inherited))
    try:
        stack.up(print, without=() if triton else ("triton",))
        copies = Copies(stack)
        yield copies
        copies.close()
    finally:
        stack.down()
        shutil.rmtree(home, ignore_errors=True)

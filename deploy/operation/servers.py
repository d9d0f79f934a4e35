"""Connections of the commands to the platform's servers, and what is true of the platform as a whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from deploy.operation.errors import OperationError

SERVICES = ("dataset", "algorithm", "trainer", "scheduler", "serving", "gateway")
DATABASES = tuple(f"modelyard_{service}" for service in SERVICES)
Client = MongoClient[dict[str, Any]]


@contextmanager
def connected(mongo_uri: str) -> Iterator[Client]:
    """A client of the database server. OperationError when it does not answer."""
    client: Client = MongoClient(
        mongo_uri,
        tz_aware=True,
        appname="modelyard-operation",
        serverSelectionTimeoutMS=10_000,
        connectTimeoutMS=5_000,
    )
    with client:
        try:
            client.admin.command("ping")
        except PyMongoError as error:
            raise OperationError(f"The database does not answer: {str(error)[:200]}") from error
        yield client


def database_of(client: Client, service: str) -> Database[dict[str, Any]]:
    return client[f"modelyard_{service}"]


def running_services(client: Client) -> list[str]:
    """Services with processes connected to the database or, without the right to ask, with a control lease in force."""
    pipeline: list[dict[str, Any]] = [
        {"$currentOp": {"allUsers": True, "idleConnections": True}},
        {"$match": {"appName": {"$regex": f"^modelyard-({'|'.join(SERVICES)})@"}}},
        {"$group": {"_id": {"$first": {"$split": ["$appName", "@"]}}}},
    ]
    try:
        return sorted(row["_id"].removeprefix("modelyard-") for row in client.admin.aggregate(pipeline))
    except OperationFailure:
        held = {"_id": "control", "$expr": {"$gt": ["$expires_at", "$$NOW"]}}
        return [service for service in SERVICES if database_of(client, service)["control_leases"].find_one(held)]


def require_stopped(client: Client, purpose: str) -> None:
    """OperationError while processes of the platform run."""
    running = running_services(client)
    if running:
        raise OperationError(
            f"The platform runs ({', '.join(running)}): stop it before {purpose}. "
            "On one machine: `make down`; with Compose: stop all services but the servers."
        )

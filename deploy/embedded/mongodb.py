"""mongod as a single-node replica set with authentication: transactions, and writes that survive kill -9."""

from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.embedded.program import Program
from deploy.embedded.secrets import Secrets, secret_path
from deploy.embedded.settings import LOOPBACK, Instance
from deploy.embedded.tools import mongod

USER = "modelyard"
REPLICA_SET = "rs0"
_AUTHENTICATION_FAILED = 18
_ALREADY_INITIALIZED = 23
_USER_EXISTS = 51003

Client = MongoClient[dict[str, Any]]


def mongo_uri(instance: Instance, secrets: Secrets) -> str:
    # no `w=`: pymongo refuses it on the operations of a transaction
    return (
        f"mongodb://{USER}:{secrets.mongo_password}@{instance.address('mongod')}/"
        f"?replicaSet={REPLICA_SET}&authSource=admin"
    )


def _folder(instance: Instance) -> Path:
    return instance.data / "mongod"


def prepare(instance: Instance) -> None:
    _folder(instance).mkdir(parents=True, exist_ok=True)


def program(instance: Instance) -> Program:
    command = (
        str(mongod()),
        *("--dbpath", str(_folder(instance))),
        *("--bind_ip", LOOPBACK, "--port", str(instance.port("mongod")), "--nounixsocket"),
        *("--replSet", REPLICA_SET, "--oplogSize", "512", "--wiredTigerCacheSizeGB", "0.5"),
        *("--keyFile", str(secret_path(instance.home, "mongo_keyfile")), "--auth"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false", "--quiet"),
        # A process that is killed in mid-transaction keeps its locks until the transaction expires, 60 s by default.
        *("--setParameter", "transactionLifetimeLimitSeconds=10"),
    )
    environment = {"LD_LIBRARY_PATH": str(mongod().parents[1] / "lib"), "LANG": "C.UTF-8", "HOME": str(instance.home)}
    return Program(
        "mongod", command, "servers", environment, _folder(instance), instance.address("mongod"), stop_wait=60
    )


def _client(instance: Instance, secrets: Secrets | None) -> Client:
    """A client that is admin, or nobody when `secrets` is None; bound to this one server whatever its state."""
    login = f"{USER}:{secrets.mongo_password}@" if secrets else ""
    options = "directConnection=true&serverSelectionTimeoutMS=1000&authSource=admin"
    return MongoClient(f"mongodb://{login}{instance.address('mongod')}/?{options}")


def _command(client: Client, name: str, value: object, *, ignore: int) -> None:
    try:
        client.admin.command(name, value)
    except OperationFailure as error:
        if error.code != ignore:
            raise


def _initiate(instance: Instance) -> None:
    member = {"_id": 0, "host": instance.address("mongod")}
    with _client(instance, None) as client:
        configuration = {"_id": REPLICA_SET, "members": [member]}
        _command(client, "replSetInitiate", configuration, ignore=_ALREADY_INITIALIZED)


def _create_user(instance: Instance, secrets: Secrets) -> None:
    """Through the localhost exception, which lasts until the first user exists."""
    with _client(instance, None) as client:
        try:
            client.admin.command("createUser", USER, pwd=secrets.mongo_password, roles=["root"])
        except OperationFailure as error:
            if error.code != _USER_EXISTS:
                raise


def _follow_port(instance: Instance, client: Client) -> None:
    """Give the replica set its present address when the instance was moved to other ports."""
    configuration = client.admin.command("replSetGetConfig")["config"]
    if configuration["members"][0]["host"] == instance.address("mongod"):
        return
    configuration["members"][0]["host"] = instance.address("mongod")
    configuration["version"] += 1
    client.admin.command("replSetReconfig", configuration, force=True)


def make_ready(instance: Instance, secrets: Secrets) -> bool:
    """One step towards a primary that lets the platform's user in; True when there. Safe to repeat after any crash."""
    try:
        with _client(instance, secrets) as client:
            hello = client.admin.command("hello")
            if hello.get("isWritablePrimary"):
                client.admin.command("usersInfo", USER)
                return True
            if not hello.get("secondary"):
                _follow_port(instance, client)
    except OperationFailure as error:
        if error.code == _AUTHENTICATION_FAILED:
            _first_start(instance, secrets)
    except PyMongoError:
        return False
    return False


def _first_start(instance: Instance, secrets: Secrets) -> None:
    try:
        _initiate(instance)
        _create_user(instance, secrets)
    except PyMongoError:
        # not primary yet, or not up: the caller comes back
        return

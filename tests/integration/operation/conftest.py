"""A database server and an object store of their own: backups hold all of the platform's databases."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pymongo import MongoClient

from deploy.embedded.servers import Servers, describe
from deploy.embedded.settings import Instance
from deploy.embedded.stack import Stack
from deploy.operation.backup import objects
from deploy.operation.servers import SERVICES, Client, database_of
from services.kernel.config import KernelSettings
from services.kernel.storage.migrations import OPERATION
from services.kernel.storage.objects import MinioStore
from tests.support.servers import free_port_base
from tests.support.settings import environment_of, kernel_settings_for

ROOT = Path(__file__).parents[3]
PASSPHRASE = "a passphrase for tests"


@dataclass(frozen=True)
class Stores:
    """What a backup is taken of."""

    settings: KernelSettings
    client: Client
    store: MinioStore

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`modelyard …` as it is run where the environment names the servers."""
        done = self.started(*arguments)
        out, errors = done.communicate(timeout=120)
        assert not check or done.returncode == 0, out + errors
        return subprocess.CompletedProcess(arguments, done.returncode, out, errors)

    def started(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MODELYARD_")}
        environment |= environment_of(self.settings) | {"MODELYARD_BACKUP_PASSPHRASE": PASSPHRASE}
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", *arguments],
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def empty(self) -> None:
        for service in SERVICES:
            self.client.drop_database(database_of(self.client, service).name)
        self.client.drop_database(OPERATION)
        objects.remove_all(self.store)


@pytest.fixture(scope="session")
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    stack = Stack(Instance(home=tmp_path_factory.mktemp("operation") / "home", port_base=free_port_base()))
    try:
        stack.up(lambda line: None, last_stage="servers", without=("triton", "rabbitmq", "epmd"))
        yield describe(stack)
    finally:
        stack.down()


@pytest.fixture
def stores(own_servers: Servers) -> Iterator[Stores]:
    """Empty before and after each test."""
    settings = kernel_settings_for(own_servers)
    client: Client = MongoClient(own_servers.mongo_uri, tz_aware=True)
    with client:
        made = Stores(settings, client, MinioStore(settings))
        made.empty()
        yield made
        made.empty()

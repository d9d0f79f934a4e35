"""A database of its own for each test."""

import secrets
from collections.abc import Iterator

import pytest

from services.kernel.config import KernelSettings
from services.kernel.storage import mongo
from services.kernel.storage.objects import MinioStore
from tests.integration.kernel.storage import things
from tests.support.servers import Servers
from tests.support.settings import kernel_settings_for


@pytest.fixture
def settings(servers: Servers) -> KernelSettings:
    return kernel_settings_for(servers)


@pytest.fixture
def database(settings: KernelSettings) -> Iterator[str]:
    """The connected database; its name."""
    mongo.connect(settings, f"test{secrets.token_hex(4)}")
    mongo.ensure_collections([things.ThingDocument])
    name = mongo.database().name
    yield name
    mongo.client().drop_database(name)
    mongo.disconnect()


@pytest.fixture
def store(settings: KernelSettings) -> Iterator[MinioStore]:
    """The real object store, in a bucket of its own."""
    made = MinioStore(settings, bucket=f"test-{secrets.token_hex(4)}")
    yield made
    for key in list(made.list("")):
        made.delete(key)

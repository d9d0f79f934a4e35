"""One instance of the platform, and real things in it, for everything that tries to break it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.gateway.client import Client
from tests.e2e.conftest import Platform
from tests.malice.processes import pids_of
from tests.malice.world import World, make_world
from tests.support.servers import free_port_base


@contextmanager
def instance() -> Iterator[Platform]:
    """A platform of its own until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="modelyard-malice-") as folder:
        started = Platform(Path(folder) / "home", free_port_base())
        try:
            started.up()
            yield started
        finally:
            started.down()


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    with instance() as started:
        yield started


@pytest.fixture(scope="session")
def client(platform: Platform) -> Iterator[Client]:
    with platform.client() as signed_in:
        yield signed_in


@pytest.fixture(scope="session")
def world(platform: Platform, client: Client, tmp_path_factory: pytest.TempPathFactory) -> World:
    password = platform.environment()["MODELYARD_ADMIN_PASSWORD"]
    return make_world(client, password, tmp_path_factory.mktemp("world"))


@pytest.fixture(autouse=True, scope="module")
def nobody_dies(platform: Platform) -> Iterator[None]:
    """Whatever a module does, every process of the platform is the same one afterwards."""
    before = pids_of(platform)
    yield
    assert pids_of(platform) == before

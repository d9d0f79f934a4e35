"""One instance for all end-to-end tests."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.gateway.client import Client
from tests.support.collector import Collector, collecting
from tests.support.instance import ROOT, Platform
from tests.support.servers import free_port_base

__all__ = ["ROOT", "Platform"]


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(scope="session")
def platform(collector: Collector) -> Iterator[Platform]:
    with tempfile.TemporaryDirectory(prefix="modelyard-e2e-") as folder:
        instance = Platform(Path(folder) / "home", free_port_base(), collector.settings)
        try:
            instance.up()
            yield instance
        finally:
            instance.down()


@pytest.fixture
def client(platform: Platform) -> Iterator[Client]:
    with platform.client() as signed_in:
        yield signed_in

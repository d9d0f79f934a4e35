"""Real servers for the integration tests; nothing has to run beforehand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import Servers, shared_servers


def run_folder(tmp_path_factory: pytest.TempPathFactory, worker: str) -> Path:
    """The temporary folder of the whole run: with xdist every worker has one of its own inside it."""
    base = tmp_path_factory.getbasetemp()
    return base if worker == "master" else base.parent


@pytest.fixture(scope="session")
def worker_name(request: pytest.FixtureRequest) -> str:
    workerinput: dict[str, str] = getattr(request.config, "workerinput", {})
    return workerinput.get("workerid", "master")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, worker_name: str) -> Iterator[Servers]:
    """MongoDB, RabbitMQ and object store, started once a run on free ports."""
    with shared_servers(run_folder(tmp_path_factory, worker_name)) as running:
        yield running


@pytest.fixture(scope="session")
def triton_servers(tmp_path_factory: pytest.TempPathFactory, worker_name: str) -> Iterator[Servers]:
    """The same servers, with Triton."""
    with shared_servers(run_folder(tmp_path_factory, worker_name), triton=True) as running:
        yield running

"""A running scheduler."""

import fcntl
from collections.abc import Iterator

import pytest

from tests.integration.scheduler.platform import Platform
from tests.support.servers import Servers


@pytest.fixture(scope="module")
def running(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Scheduler, rpc and control. One worker of the run at a time has it: the servers hold one database for it."""
    with (servers.instance.home / "scheduler.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = Platform(servers.environment, tmp_path_factory.mktemp("scheduler"))
        made.start_scheduler()
        yield made
        made.stop()


@pytest.fixture
def platform(running: Platform) -> Iterator[Platform]:
    """The scheduler without nodes and workloads; agents are started by the tests."""
    running.reset()
    yield running
    running.reset()

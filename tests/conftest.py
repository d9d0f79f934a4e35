"""Which tests may run at the same time, and how patient they are."""

from pathlib import PurePosixPath

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# How long an example takes says more about the machine than about what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

_WHOLE = {"e2e", "runtime", "contract"}


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A folder is one worker's, from beginning to end: its tests share a platform, servers or a database connection."""

    def _split_scope(self, nodeid: str) -> str:
        folders = PurePosixPath(nodeid.partition("::")[0]).parts[1:-1]
        return "/".join(folders[:1] if folders and folders[0] in _WHOLE else folders[:2])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolder:
    return ByFolder(config, log)

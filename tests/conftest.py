"""Which tests may run at the same time, and how patient they are."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine than about what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

_TESTS = Path(__file__).parent
_WHOLE = {"e2e", "runtime", "contract"}


def pytest_itemcollected(item: pytest.Item) -> None:
    """A folder is one worker's, from beginning to end: its tests share a platform, servers or a database connection."""
    folder = item.path.parent.relative_to(_TESTS).parts
    depth = 1 if folder[:1] and folder[0] in _WHOLE else 2
    item.add_marker(pytest.mark.xdist_group("/".join(folder[:depth])))

"""Services that predictions need not read again."""

from dataclasses import dataclass, field

import pytest

from services.kernel.errors import NotFound
from services.serving.adapters.recent import KEPT_S, RecentServices
from services.serving.domain import Service
from tests.unit.serving.conftest import World


@dataclass
class Reading:
    """A database that counts what is read, with a feed and a clock that tests move."""

    service: Service
    reads: int = 0
    generation: int = 0
    now: float = 0.0
    recent: RecentServices = field(init=False)

    def __post_init__(self) -> None:
        self.recent = RecentServices(self, lambda: self.generation, lambda: self.now)

    def get(self, entity_id: str) -> Service:
        self.reads += 1
        if entity_id != self.service.id:
            raise NotFound("no")
        return self.service


@pytest.fixture
def reading(world: World) -> Reading:
    return Reading(world.create())


def test_it_is_read_once_until_services_change(reading: Reading) -> None:
    for _ in range(3):
        assert reading.recent.get(reading.service.id) is reading.service
    assert reading.reads == 1
    reading.generation += 1
    reading.recent.get(reading.service.id)
    assert reading.reads == 2


def test_it_is_read_again_after_a_while_should_the_feed_be_silent(reading: Reading) -> None:
    reading.recent.get(reading.service.id)
    reading.now += KEPT_S
    reading.recent.get(reading.service.id)
    assert reading.reads == 2


def test_what_is_not_there_is_asked_for_each_time(reading: Reading) -> None:
    for _ in range(2):
        with pytest.raises(NotFound):
            reading.recent.get("svc-other")
    assert reading.reads == 2

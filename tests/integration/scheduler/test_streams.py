"""Logs and metric points in the real database: repeated, overlapping, and over several leases."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import pytest

from services.kernel.errors import Conflict
from services.kernel.storage import mongo
from services.kernel.storage.transactions import in_transaction
from services.scheduler import models
from services.scheduler.domain import MetricPoint
from services.scheduler.models import StoredFences, StoredLogs, StoredPoints
from tests.fakes.object_store import FakeStore
from tests.support.servers import Servers
from tests.support.settings import kernel_settings_for

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NO_LIMIT = 1 << 40


@pytest.fixture
def database(servers: Servers) -> Iterator[None]:
    mongo.connect(kernel_settings_for(servers), f"test{secrets.token_hex(4)}")
    mongo.ensure_collections([models.StreamDocument, models.LogChunkDocument, models.MetricPointDocument])
    yield
    mongo.client().drop_database(mongo.database().name)
    mongo.disconnect()


def append(logs: StoredLogs, fence: int, offset: int, data: bytes, limit: int = NO_LIMIT) -> int:
    return in_transaction(lambda: logs.append("wl", fence, offset, data, limit))


@pytest.mark.usefixtures("database")
def test_a_log_takes_what_is_new() -> None:
    logs = StoredLogs(FakeStore())
    assert append(logs, 1, 0, b"") == 0
    assert append(logs, 1, 0, b"hello ") == 6
    assert append(logs, 1, 0, b"hello world") == 11
    assert append(logs, 1, 3, b"lo") == 11
    assert append(logs, 1, 50, b"from the future") == 11
    assert logs.read("wl", 0) == b"hello world"
    assert logs.read("wl", 8) == b"rld"
    assert logs.read("wl", 11) == b""


@pytest.mark.usefixtures("database")
def test_large_pieces_lie_in_the_object_store() -> None:
    store = FakeStore()
    logs = StoredLogs(store)
    pieces = [bytes([at]) * (1 << 20) for at in range(3)]
    for at, piece in enumerate(pieces):
        append(logs, 1, at << 20, piece)
    assert len(store.objects) == 3
    assert logs.read("wl", 5) == b"".join(pieces)[5 : 5 + (1 << 20)]


@pytest.mark.usefixtures("database")
def test_a_log_is_cut_at_its_limit_and_the_writer_goes_on() -> None:
    logs = StoredLogs(FakeStore())
    assert append(logs, 1, 0, b"0123456789", limit=4) == 10
    assert append(logs, 1, 10, b"more", limit=4) == 14
    assert logs.read("wl", 0) == b"0123"


@pytest.mark.usefixtures("database")
def test_a_new_lease_goes_on_where_the_old_one_ended_and_shuts_it_out() -> None:
    logs, points = StoredLogs(FakeStore()), StoredPoints()
    append(logs, 1, 0, b"first ")
    assert append(logs, 2, 0, b"second") == 6
    assert logs.read("wl", 0) == b"first second"
    with pytest.raises(Conflict):
        append(logs, 1, 6, b"too late")

    def add(fence: int, *indexes: int) -> None:
        made = [MetricPoint("loss", index, 0.5, NOW, index) for index in indexes]
        in_transaction(lambda: points.append("wl", fence, made))

    add(1, 1, 2)
    add(1, 1, 2, 3)
    add(2, 1)
    found = points.list("wl", name="loss", after=1, limit=10)
    assert [(point.index, point.step) for point in found] == [(2, 2), (3, 3), (4, 1)]
    with pytest.raises(Conflict):
        add(2, 5)


@pytest.mark.usefixtures("database")
def test_fences_only_grow() -> None:
    mongo.ensure_collections([models.CounterDocument])
    fences = StoredFences()
    first = [in_transaction(partial(fences.take, count)) for count in (1, 3, 2)]
    assert first == [1, 2, 5]

"""Ended workloads go with all that they left, and only those."""

import secrets
from collections.abc import Iterator
from datetime import timedelta

import pytest

from services.kernel.entity import utc_now
from services.kernel.storage import mongo
from services.kernel.storage.mongo import collection_of
from services.kernel.storage.objects import MinioStore
from services.kernel.storage.transactions import in_transaction
from services.kernel.values import Resources
from services.scheduler import models
from services.scheduler.adapters.ledger import StoredLedger
from services.scheduler.bootstrap import App
from services.scheduler.config import SchedulerSettings
from services.scheduler.domain import (
    MetricPoint,
    Node,
    NodeState,
    Workload,
    WorkloadKind,
    WorkloadSpec,
    WorkloadState,
)
from services.scheduler.forgetting import Forgetting
from services.scheduler.models import LogChunkDocument, MetricPointDocument, StreamDocument
from tests.support.servers import Servers
from tests.support.settings import kernel_settings_for

KEPT = timedelta(days=90)
LOG = 1 << 20


@pytest.fixture
def app(servers: Servers) -> Iterator[App]:
    settings = SchedulerSettings(**kernel_settings_for(servers).model_dump())
    mongo.connect(settings, f"forgetting-{secrets.token_hex(3)}")
    documents = (models.WorkloadDocument, models.NodeDocument, LogChunkDocument, MetricPointDocument, StreamDocument)
    mongo.ensure_collections(documents)
    store = MinioStore(settings, bucket=f"forgetting-{secrets.token_hex(3)}")
    yield App(
        settings,
        models.workload_repository(),
        models.node_repository(),
        models.queue_repository(),
        models.StoredTotals(),
        models.StoredFences(),
        StoredLedger(),
        models.StoredLogs(store),
        models.StoredPoints(),
    )
    mongo.client().drop_database(mongo.database().name)
    mongo.disconnect()


def workload(app: App, *, ended_days_ago: int | None) -> str:
    spec = WorkloadSpec("w", WorkloadKind.TRAINING, "process", Resources(1000), command=("true",))
    made = Workload(id=f"wl-{secrets.token_hex(4)}", owner="u", project="p", spec=spec, request_id=secrets.token_hex(4))
    if ended_days_ago is not None:
        made.state = WorkloadState.EXITED
        made.ended_at = utc_now() - timedelta(days=ended_days_ago)
    app.workloads.add(made)
    point = MetricPoint("loss", 1, 0.5, utc_now(), 1)
    in_transaction(lambda: app.points.append(made.id, 1, [point]))
    in_transaction(lambda: app.logs.append(made.id, 1, 0, b"x" * LOG, 10 * LOG) and None)
    return made.id


def left_of(app: App, workload_id: str) -> set[str]:
    parts = {
        "workload": app.workloads.count({"id": workload_id}),
        "rows": collection_of(LogChunkDocument).count_documents({"workload_id": workload_id}),
        "points": collection_of(MetricPointDocument).count_documents({"workload_id": workload_id}),
        "streams": collection_of(StreamDocument).count_documents({"_id": {"$regex": workload_id}}),
        "objects": len(list(app.logs._store.list(f"logs/{workload_id}/"))),
    }
    return {name for name, count in parts.items() if count}


def test_only_what_ended_long_ago_goes_and_all_of_it(app: App) -> None:
    old, recent, running = (workload(app, ended_days_ago=days) for days in (91, 89, None))
    everything = left_of(app, old)
    assert everything == {"workload", "rows", "points", "streams", "objects"}
    Forgetting(app, KEPT).run()
    assert left_of(app, old) == set()
    assert left_of(app, recent) == left_of(app, running) == everything


def test_interrupted_it_goes_on(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    old = workload(app, ended_days_ago=100)

    def killed(_workload_id: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(app.points, "remove", killed)
        Forgetting(app, KEPT).run()
    assert left_of(app, old) >= {"workload", "points"}
    Forgetting(app, KEPT).run()
    assert left_of(app, old) == set()


def test_nodes_that_never_came_back_go(app: App) -> None:
    for name, state, days in (("gone", NodeState.LOST, 91), ("new", NodeState.LOST, 2), ("here", NodeState.READY, 91)):
        node = Node(id=f"node-{name}", owner="p", project="p", name=name, engine="process", capacity=Resources())
        node.state, node.last_heartbeat_at = state, utc_now() - timedelta(days=days)
        app.nodes.add(node)
    Forgetting(app, KEPT).run()
    assert {node.name for node in app.nodes.find()} == {"new", "here"}

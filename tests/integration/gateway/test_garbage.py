"""Garbage collection against the real object store and database."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from services.gateway.garbage import collector as collecting
from services.gateway.garbage import models
from services.gateway.garbage.collector import Collector, Rule
from services.gateway.garbage.loop import GarbageLoop
from services.gateway.garbage.marks import name_of, shard_of
from services.gateway.garbage.models import CollectionDocument, Counts, GarbageDocument, State
from services.kernel import control
from services.kernel.entity import utc_now
from services.kernel.errors import Conflict, Unavailable
from services.kernel.maintenance import BLOB, BUNDLE, FOLDER, Reference
from services.kernel.storage import blobs, bundles
from services.kernel.storage.blobs import put_blob
from services.kernel.storage.lease import ControlLease, ControlLeaseDocument
from services.kernel.storage.mongo import collection_of
from services.kernel.storage.objects import MinioStore, ObjectInfo
from services.kernel.values import BundleRef
from services.kernel.workfolder import WorkFolder
from tests.integration.gateway.conftest import Running

DAY = timedelta(days=1)
RULE = Rule(grace=7 * DAY, quarantine=DAY)


class Clock:
    """Time as the collection sees it: objects are as much older as it has been moved on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return utc_now() + self.ahead


class AgedStore(MinioStore):
    """The real store, whose objects keep the time at which the test's clock wrote them."""

    clock: Clock
    written: dict[str, datetime]

    def put(self, key: str, data: object, size: int = -1) -> None:
        super().put(key, data, size)  # type: ignore[arg-type]
        self.written[key] = self.clock.now()

    def info(self, key: str) -> ObjectInfo | None:
        found = super().info(key)
        return found and ObjectInfo(key, found.size, self.written[key])

    def scan(self, prefix: str) -> Iterator[ObjectInfo]:
        for found in super().scan(prefix):
            yield ObjectInfo(found.key, found.size, self.written[found.key])


@dataclass
class World:
    """A store, what is needed of it, and a clock that can be moved."""

    store: AgedStore
    scratch: Path
    clock: Clock
    needed: list[Reference] = field(default_factory=list)

    def collect(self, *, dry_run: bool = False) -> Counts:
        row = models.create(dry_run=dry_run, actor="test")
        collector = Collector(self.store, lambda: list(self.needed), RULE, control.transaction)
        folder = self.scratch / row["_id"]
        counts = collector.run(row["_id"], self.clock.now(), folder, dry_run=dry_run)
        models.note(row["_id"], counts, state=State.DONE.value)
        return counts

    def stored(self) -> set[str]:
        return set(self.store.list(""))


@pytest.fixture
def world(gateway: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = world_of(gateway, tmp_path, monkeypatch)
    yield made
    clear(made)


def world_of(gateway: Running, folder: Path, patch: pytest.MonkeyPatch) -> World:
    clock = Clock()
    store = AgedStore(gateway.settings, bucket=f"garbage-{secrets.token_hex(4)}")
    store.clock, store.written = clock, {}
    for module in (collecting, blobs):
        patch.setattr(module, "utc_now", clock.now)
    for document in (CollectionDocument, GarbageDocument):
        collection_of(document).delete_many({})
    world = World(store, folder, clock)
    patch.setattr(collecting, "SHARDS", PresentShards(world))
    return world


def clear(world: World) -> None:
    for key in world.stored():
        world.store.delete(key)
    for document in (CollectionDocument, GarbageDocument):
        collection_of(document).delete_many({})


def bundle(world: World, *contents: bytes) -> BundleRef:
    return bundles.write_bundle(world.store, ((f"f{at}", content, None) for at, content in enumerate(contents)))


def test_unused_content_goes_after_grace_and_quarantine(world: World) -> None:
    kept, lost = bundle(world, b"kept", b"shared"), bundle(world, b"lost")
    world.needed.append(Reference(BUNDLE, kept.index))
    world.store.put("uploads/up-1/000", b"x")
    world.store.put("logs/wl-1/000", b"x")
    world.needed.append(Reference(FOLDER, "logs/wl-1"))
    everything, of_lost = world.stored(), set(bundles.bundle_objects(world.store, lost))
    assert (world.collect().young.objects, world.stored()) == (3, everything)
    world.clock.ahead += 8 * DAY
    assert (world.collect().waiting.objects, world.stored()) == (3, everything)
    world.clock.ahead += 2 * DAY
    trial = world.collect(dry_run=True)
    assert (trial.removed.objects, world.stored()) == (3, everything)
    done = world.collect()
    assert (done.removed, done.scanned, done.referenced) == (trial.removed, len(everything), 3)
    assert world.stored() == everything - {*of_lost, "uploads/up-1/000"}
    bundles.materialise(world.store, kept, world.scratch / "kept")
    world.collect()
    assert collection_of(GarbageDocument).count_documents({}) == 0


def test_content_that_is_written_again_is_young(world: World) -> None:
    """An import of the same files, just before what nobody referred to would go."""
    bundle(world, b"again")
    world.clock.ahead += 8 * DAY
    world.collect()
    world.clock.ahead += 2 * DAY
    again = bundle(world, b"again")
    world.collect()
    bundles.materialise(world.store, again, world.scratch / "again")


def test_a_trial_notes_nothing(world: World) -> None:
    bundle(world, b"lost")
    world.clock.ahead += 8 * DAY
    world.collect(dry_run=True)
    world.clock.ahead += 2 * DAY
    assert world.collect().removed.objects == 0


def test_referred_to_in_between_the_waiting_begins_anew(world: World) -> None:
    lost = put_blob(world.store, b"on its way from one service to another")
    world.clock.ahead += 8 * DAY
    world.collect()
    world.needed.append(Reference(BLOB, lost.sha256))
    world.clock.ahead += 2 * DAY
    world.collect()
    world.needed.clear()
    world.clock.ahead += 2 * DAY
    assert world.collect().waiting.objects == 1


def test_nothing_goes_when_a_service_does_not_answer(world: World, tmp_path: Path) -> None:
    bundle(world, b"lost")
    world.clock.ahead += 8 * DAY
    world.collect()
    world.clock.ahead += 2 * DAY
    before = world.stored()

    def away() -> list[Reference]:
        raise Unavailable("trainer does not answer.")

    loop = GarbageLoop(Collector(world.store, away, RULE, control.transaction), DAY, WorkFolder(tmp_path / "work"))
    row = models.create(dry_run=False, actor="test")
    loop.run_due()
    after = models.get(row["_id"])
    assert (after["state"], after["error"]) == (State.FAILED, "trainer does not answer.")
    assert world.stored() == before


def test_nothing_goes_while_a_backup_is_taken(world: World, tmp_path: Path) -> None:
    bundle(world, b"lost")
    world.clock.ahead += 8 * DAY
    world.collect()
    world.clock.ahead += 2 * DAY
    before, row = world.stored(), models.create(dry_run=False, actor="test")
    held = Collector(world.store, list, RULE, control.transaction, held=lambda: True)
    with pytest.raises(Unavailable, match="backup"):
        held.run(row["_id"], world.clock.now(), tmp_path / "scratch", dry_run=False)
    assert world.stored() == before


def test_who_lost_the_lease_removes_nothing(world: World) -> None:
    bundle(world, b"lost")
    world.clock.ahead += 8 * DAY
    world.collect()
    world.clock.ahead += 2 * DAY
    before = world.stored()
    lease = ControlLease(f"test-{secrets.token_hex(3)}", "holder")
    token = control._lease.set((lease, lease.acquire()))
    try:
        collection_of(ControlLeaseDocument).update_one({"_id": lease.name}, {"$inc": {"token": 1}})
        with pytest.raises(Conflict):
            world.collect()
        collection_of(CollectionDocument).delete_many({})
    finally:
        control._lease.reset(token)
    assert world.stored() == before


def test_it_runs_by_itself_and_an_interrupted_one_begins_anew(world: World, tmp_path: Path) -> None:
    loop = GarbageLoop(Collector(world.store, list, RULE, control.transaction), DAY, WorkFolder(tmp_path / "work"))
    loop.run_due()
    first = models.last()
    assert first is not None
    assert (first["state"], first["actor"]) == (State.DONE, "service:gateway")
    loop.run_due()
    assert models.last() == first
    collection_of(CollectionDocument).update_one({"_id": first["_id"]}, {"$set": {"state": State.RUNNING.value}})
    loop.run_due()
    assert models.get(first["_id"])["state"] == State.DONE
    collection_of(CollectionDocument).update_one({"_id": first["_id"]}, {"$set": {"created_at": utc_now() - DAY}})
    loop.run_due()
    assert models.listed(0, "").total_size == 2


def test_the_api_starts_one_and_shows_it(world: World, http: httpx.Client, tmp_path: Path) -> None:
    made = http.post("/api/v1/garbage-collections", json={"dry_run": True}).json()
    assert made["state"] == "STATE_PENDING"
    loop = GarbageLoop(Collector(world.store, list, RULE, control.transaction), DAY, WorkFolder(tmp_path / "work"))
    loop.run_due()
    shown = http.get(f"/api/v1/garbage-collections/{made['id']}").json()
    assert (shown["state"], shown["dry_run"], shown["removed"]) == (
        "STATE_DONE",
        True,
        {"objects": "0", "bytes": "0"},
    )
    assert [one["id"] for one in http.get("/api/v1/garbage-collections").json()["garbage_collections"]] == [made["id"]]


@dataclass
class PresentShards:
    """Only those that hold something, because 258 listings take time."""

    world: World

    def __iter__(self) -> Iterator[str]:
        known = {str(row["shard"]) for row in collection_of(GarbageDocument).find()}
        yield from sorted(known | {shard_of(name_of(key)) for key in self.world.stored()})

"""Marks: references to object names, with bounded memory."""

from pathlib import Path

from services.gateway.garbage.marks import SHARDS, Marks, digest_of, name_of, shard_of
from services.kernel.maintenance import BLOB, BUNDLE, FOLDER, Reference
from services.kernel.storage import bundles
from services.kernel.storage.blobs import put_blob
from services.kernel.storage.objects import MAX_OBJECT_BYTES
from services.kernel.storage.spilled import SpilledSet
from tests.fakes.object_store import FakeStore


def _is_marked(marks: Marks, key: str) -> bool:
    name = name_of(key)
    return digest_of(name) in marks.of_shard(shard_of(name))


def test_everything_of_a_bundle_and_of_a_large_blob_is_marked(tmp_path: Path) -> None:
    store = FakeStore()
    ref = bundles.write_bundle(store, [("a", b"x" * 9_000_000, None), ("b", b"small", None)])
    large = put_blob(store, b"y" * (MAX_OBJECT_BYTES + 1))
    needed = set(store.objects)
    put_blob(store, b"nobody needs this")
    store.put("logs/wl-1/00", b"x")
    store.put("logs/wl-2/00", b"x")
    marks = Marks(store, tmp_path)
    marks.mark([Reference(BUNDLE, ref.index), Reference(BLOB, large.sha256), Reference(FOLDER, "logs/wl-1")])
    assert {key for key in store.objects if _is_marked(marks, key)} == needed | {"logs/wl-1/00"}
    assert marks.missing_count == 0


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    marks = Marks(FakeStore(), tmp_path)
    marks.mark([Reference(BUNDLE, "a" * 64), Reference(BLOB, "b" * 64), Reference(BUNDLE, "a" * 64)])
    assert marks.missing == [f"bundle {'a' * 64}", f"blob {'b' * 64}"]


def test_every_key_of_content_is_in_a_shard_that_is_swept() -> None:
    keys = [f"blobs/0f/0f{'a' * 62}", f"blobs/ff/ff{'a' * 62}.chunks", "uploads/up-1/000", "logs/wl-1/000"]
    assert [shard_of(name_of(key)) for key in keys] == ["blobs/0f", "blobs/ff", "uploads", "logs"]
    assert {shard_of(name_of(key)) for key in keys} < set(SHARDS)


def test_spilled_sets_hold_each_value_once_and_forget_nothing(tmp_path: Path) -> None:
    spilled = SpilledSet(tmp_path / "s", 16)
    values = [digest_of(str(number % 5000)) for number in range(20_000)]
    for value in values:
        spilled.add("blobs/ab" if value[0] % 2 else "logs", value)
    assert list(spilled.shards()) == ["blobs/ab", "logs"]
    assert spilled.load("blobs/ab") | spilled.load("logs") == set(values)
    assert spilled.load("uploads") == set()

import gzip
import os
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.kernel.errors import AlreadyExists, Internal, InvalidArgument, NotFound, Unavailable
from services.kernel.storage import bundle_index, bundle_reader
from services.kernel.storage.blobs import Blob, put_blob
from services.kernel.storage.bundle_writer import PACK_BYTES
from services.kernel.storage.bundles import (
    BundleRef,
    bundle_objects,
    iter_index,
    materialise,
    read_file,
    remove_partials,
    write_bundle,
)
from tests.fakes.object_store import FakeStore

Files = list[tuple[str, Path | bytes, dict[str, object] | None]]


def _content() -> Files:
    randomness = random.Random(3)
    large = randomness.randbytes(PACK_BYTES * 2 + 17)
    files: Files = [
        (f"c{n % 3}/{n}.bin", randomness.randbytes(randomness.randint(0, 300_000)), None) for n in range(60)
    ]
    files[10:10] = [
        ("large.bin", large, None),
        ("名/空.txt", b"", {"label": "空", "box": [1, 2.5]}),
        ("exact.bin", large[:PACK_BYTES], None),
        ("again.bin", large, None),
        ("small-again.bin", files[0][1], None),
    ]
    return files


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_comes_back(tmp_path: Path) -> None:
    store, files = FakeStore(), _content()
    told: list[tuple[int, int]] = []
    ref = write_bundle(store, iter(files), lambda count, size: told.append((count, size)))
    expected = {path: content for path, content, _ in files if isinstance(content, bytes)}
    assert (ref.files, ref.bytes) == (len(files), sum(len(content) for content in expected.values()))
    assert told[-1] == (ref.files, ref.bytes)
    entries = list(iter_index(store, ref))
    assert [entry.path for entry in entries] == [path for path, _, _ in files]
    assert entries[11].meta == {"label": "空", "box": [1, 2.5]}
    assert all(read_file(store, entry) == expected[entry.path] for entry in entries)
    assert read_file(store, ref, "large.bin") == expected["large.bin"]
    packs: list[tuple[int, int]] = []
    materialise(store, ref, tmp_path / "out" / "x", lambda done, total: packs.append((done, total)))
    assert _tree(tmp_path / "out" / "x") == expected
    assert packs[-1][0] == packs[-1][1] == len(packs)
    assert set(bundle_objects(store, ref)) == set(store.objects)
    stored = sum(len(content) for content in store.objects.values())
    assert stored < ref.bytes - 3 * PACK_BYTES + 100_000  # what occurs twice is stored once


def test_the_same_from_files_and_it_is_stored_once(tmp_path: Path) -> None:
    store = FakeStore()
    first = write_bundle(store, _content())
    puts = store.puts
    materialise(store, first, tmp_path / "out")
    again: Files = [(path, tmp_path / "out" / path, meta) for path, _, meta in _content()]
    assert write_bundle(store, again) == first
    assert store.puts - puts <= 1


def test_an_empty_bundle(tmp_path: Path) -> None:
    store = FakeStore()
    ref = write_bundle(store, [])
    assert (ref.files, ref.bytes) == (0, 0)
    materialise(store, ref, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "a\\b"])
def test_unsafe_and_repeated_paths_are_not_stored(path: str) -> None:
    with pytest.raises(InvalidArgument):
        write_bundle(FakeStore(), [(path, b"x", None)])
    with pytest.raises(InvalidArgument):
        write_bundle(FakeStore(), [("a", b"x", None), ("a", b"y", None)])


@pytest.mark.timeout(10)
def test_links_and_special_files_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", ".", "missing"):
        with pytest.raises(InvalidArgument) as caught:
            write_bundle(FakeStore(), [("f", tmp_path / name, None)])
        assert caught.value.reason == "NOT_A_REGULAR_FILE"


def test_a_hostile_index_does_not_leave_the_folder(tmp_path: Path) -> None:
    store = FakeStore()
    pack = put_blob(store, b"evil")
    for path in ("../evil", "/tmp/evil", "a/../../evil"):
        lines = bundle_index.header_line([pack]) + bundle_index.entry_line(path, pack, (0, 0), None)
        index = put_blob(store, gzip.compress(lines))
        with pytest.raises(InvalidArgument):
            materialise(store, BundleRef(index.sha256, 1, 4), tmp_path / "in" / "out")
    assert list((tmp_path / "in").iterdir()) == []
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("place", [(1, 0), (-1, 0), (0, 3), (0, -1), (0, 99)])
def test_an_index_that_points_nowhere_is_damaged(place: tuple[int, int], tmp_path: Path) -> None:
    store = FakeStore()
    pack = put_blob(store, b"four")
    lines = bundle_index.header_line([pack]) + bundle_index.entry_line("a", Blob("0" * 64, 3), place, None)
    index = put_blob(store, gzip.compress(lines))
    with pytest.raises(Internal):
        materialise(store, BundleRef(index.sha256, 1, 3), tmp_path / "out")


def test_damage_and_loss_leave_no_folder(tmp_path: Path) -> None:
    store = FakeStore()
    ref = write_bundle(store, _content())
    pack = next(iter_index(store, ref)).pieces[0].pack
    key = f"blobs/{pack[:2]}/{pack}"
    kept = store.objects[key]
    store.objects[key] = kept[:-1] + bytes([kept[-1] ^ 1])
    with pytest.raises(Internal):
        materialise(store, ref, tmp_path / "in" / "out")
    del store.objects[key]
    with pytest.raises(NotFound):
        materialise(store, ref, tmp_path / "in" / "out")
    assert list((tmp_path / "in").iterdir()) == []
    with pytest.raises(NotFound):
        materialise(store, BundleRef("0" * 64, 1, 1), tmp_path / "in" / "out")
    with pytest.raises(NotFound):
        read_file(store, ref, "no such file")


def test_a_truncated_index_is_damaged() -> None:
    store = FakeStore()
    ref = write_bundle(store, _content())
    with store.get(f"blobs/{ref.index[:2]}/{ref.index}") as stream:
        short = put_blob(store, stream.read()[:-30])
    with pytest.raises(Internal):
        list(iter_index(store, BundleRef(short.sha256, ref.files, ref.bytes)))


def test_a_folder_with_content_is_not_overwritten(tmp_path: Path) -> None:
    store = FakeStore()
    ref = write_bundle(store, [("a", b"x", None)])
    materialise(store, ref, tmp_path / "out")
    with pytest.raises(AlreadyExists):
        materialise(store, ref, tmp_path / "out")
    assert _tree(tmp_path) == {"out/a": b"x"}


def test_left_overs_of_killed_processes_are_removed(tmp_path: Path) -> None:
    (tmp_path / f".out.abc{bundle_reader.PARTIAL_SUFFIX}" / "x").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    remove_partials(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_store_that_is_away_ends_the_writing() -> None:
    store = FakeStore()

    def files() -> Iterator[tuple[str, bytes, None]]:
        for number in range(1000):
            store.away = number > 3
            yield f"{number}", os.urandom(PACK_BYTES // 2), None

    with pytest.raises(Unavailable):
        write_bundle(store, files())


def test_memory_stays_bounded() -> None:
    class Forgetful(FakeStore):
        def put(self, key: str, data: object, size: int = -1) -> None:
            self.objects[key] = b""

        def stat(self, key: str) -> int | None:
            return None

    tracemalloc.start()
    write_bundle(Forgetful(), ((f"{n}", n.to_bytes(4) * 250_000, None) for n in range(200)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * PACK_BYTES

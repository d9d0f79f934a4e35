"""Bundles of many small files through the real object store."""

import hashlib
import random
from pathlib import Path

from services.kernel.storage.bundles import iter_index, materialise, read_file, write_bundle
from services.kernel.storage.objects import MinioStore


def _tree(folder: Path, files: int) -> list[tuple[str, Path, None]]:
    randomness = random.Random(7)
    made: list[tuple[str, Path, None]] = []
    for number in range(files):
        path = f"class-{number % 10}/{number:06d}.png"
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(randomness.randbytes(randomness.randint(500, 6000)))
        made.append((path, target, None))
    return made


def test_many_small_files(store: MinioStore, tmp_path: Path) -> None:
    files = _tree(tmp_path / "source", 3_000)
    ref = write_bundle(store, files)
    materialise(store, ref, tmp_path / "out")
    assert ref.files == 3_000
    assert len(list(store.list(""))) < 50
    for path, source, _ in files[::97]:
        assert (tmp_path / "out" / path).read_bytes() == source.read_bytes()
    entry = next(iter_index(store, ref))
    assert hashlib.sha256(read_file(store, entry)).hexdigest() == entry.sha256

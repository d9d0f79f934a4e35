"""Bundles of many small files through the real object store."""

import hashlib
import random
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

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


def test_many_small_files_against_unzip(store: MinioStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The times are told, not asserted: the machine is shared."""
    files = _tree(tmp_path / "source", 20_000)
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as writer:
        for path, source, _ in files:
            writer.write(source, path)
    begun = time.monotonic()
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-q", archive, "-d", tmp_path / "unzipped"], check=True)
    else:
        shutil.unpack_archive(archive, tmp_path / "unzipped")
    unzip = time.monotonic() - begun
    begun = time.monotonic()
    ref = write_bundle(store, files)
    write = time.monotonic() - begun
    begun = time.monotonic()
    materialise(store, ref, tmp_path / "out")
    read = time.monotonic() - begun
    with capsys.disabled():
        print(
            f"\n20 000 files, {ref.bytes / 1e6:.0f} MB: unzip {unzip:.2f} s, write_bundle {write:.2f} s "
            f"({write / unzip:.2f}x), materialise {read:.2f} s ({read / unzip:.2f}x)"
        )
    assert ref.files == 20_000
    assert len(list(store.list(""))) < 50
    for path, source, _ in files[::97]:
        assert (tmp_path / "out" / path).read_bytes() == source.read_bytes()
    entry = next(iter_index(store, ref))
    assert hashlib.sha256(read_file(store, entry)).hexdigest() == entry.sha256

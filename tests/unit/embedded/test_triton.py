from pathlib import Path

import pytest

from deploy.embedded import triton
from deploy.embedded.settings import EmbeddedError, Instance


def runtime_with(folder: Path, *packages: str) -> Path:
    for package in packages:
        (folder / "lib" / "python3.11" / "site-packages" / f"{package}.dist-info").mkdir(parents=True, exist_ok=True)
    return folder


def test_numpy_2_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton, "runtime_folder", lambda: runtime_with(tmp_path, "numpy-2.4.6", "torch-2.13.0"))
    with pytest.raises(EmbeddedError, match=r"numpy 2\.4\.6.*numpy 1\.x"):
        triton.require_numpy_1()


def test_a_missing_numpy_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton, "runtime_folder", lambda: tmp_path)
    with pytest.raises(EmbeddedError, match=r"numpy \(none\)"):
        triton.require_numpy_1()


def test_numpy_1_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton, "runtime_folder", lambda: runtime_with(tmp_path, "numpy-1.26.4"))
    triton.require_numpy_1()


def test_instances_do_not_share_memory_regions(tmp_path: Path) -> None:
    commands = [triton.program(Instance(tmp_path / name)).command for name in ("a", "b")]
    regions = {word for command in commands for word in command if "shm-region-prefix-name" in word}
    assert len(regions) == 2

from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.embedded import install, packages
from deploy.embedded.install import REQUIREMENTS, Step
from deploy.embedded.settings import EmbeddedError


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], Step]:
    monkeypatch.setattr(install, "CHECKOUT", tmp_path)
    lock = tmp_path / "lock"
    lock.write_text("a==1")
    return lambda make: Step("part", tmp_path / "part", (lock,), lambda: True, make)


def test_a_step_is_done_once_and_again_when_its_lock_changes(
    tmp_path: Path, step: Callable[[Callable[[], None]], Step]
) -> None:
    part = step(lambda: (tmp_path / "part").mkdir(exist_ok=True))
    assert not part.done()
    part.run()
    assert part.done()
    (tmp_path / "lock").write_text("a==2")
    assert not part.done()


def test_an_interrupted_step_starts_from_nothing(tmp_path: Path, step: Callable[[Callable[[], None]], Step]) -> None:
    def interrupted() -> None:
        (tmp_path / "part").mkdir()
        (tmp_path / "part" / "half").touch()
        raise KeyboardInterrupt

    broken = step(interrupted)
    with pytest.raises(KeyboardInterrupt):
        broken.run()
    assert not broken.done()
    whole = step((tmp_path / "part").mkdir)
    whole.run()
    assert whole.done()
    assert not (tmp_path / "part" / "half").exists()


def test_without_root_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    said: list[str] = []
    with pytest.raises(EmbeddedError, match=r"rabbitmq-server.*MODELYARD_AMQP_URI"):
        packages.install_packages(["rabbitmq-server", "bubblewrap"], said.append)
    packages.install_packages(["bubblewrap"], said.append)
    assert all("bubblewrap" in line for line in said)


@pytest.mark.parametrize("name", ["platform", "dev", "runtime", "runtime-cuda"])
def test_locks_pin_every_version_and_name_no_host(name: str) -> None:
    lines = (REQUIREMENTS / f"{name}.txt").read_text().splitlines()
    assert all("==" in line and "://" not in line for line in lines if not line.startswith("#"))


def test_the_runtime_lock_keeps_numpy_1_and_no_cuda() -> None:
    lines = (REQUIREMENTS / "runtime.txt").read_text().splitlines()
    assert any(line.startswith("numpy==1.") for line in lines)
    assert "torch==2.13.0" in lines
    assert not [line for line in lines if line.startswith(("nvidia", "cuda", "triton"))]

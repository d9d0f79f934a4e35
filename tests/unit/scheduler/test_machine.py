"""Capacity, control groups and the agent's folder, from folders as the kernel shows them."""

import os
import shutil
from pathlib import Path

import pytest

from services.scheduler.agent import capacity
from services.scheduler.agent.home import AgentHome
from services.scheduler.engines.process.shim.groups import ControlGroups

MIB = 1 << 20


def test_capacity_is_bounded_by_version_2_groups(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text(f"{100 * MIB}\n")
    measured = capacity.measure(tmp_path)
    assert (measured.cpu_millis, measured.memory_bytes) == (500, 100 * MIB)


def test_capacity_is_bounded_by_version_1_groups(tmp_path: Path) -> None:
    for name, file, value in (("cpu", "cpu.cfs_quota_us", "25000"), ("memory", "memory.limit_in_bytes", str(64 * MIB))):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(value)
    measured = capacity.measure(tmp_path)
    assert (measured.cpu_millis, measured.memory_bytes) == (250, 64 * MIB)


def test_unlimited_groups_leave_the_machine(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    measured = capacity.measure(tmp_path)
    assert measured == capacity.measure(tmp_path / "none")
    assert measured.cpu_millis >= 1000


def test_groups_take_the_limits_that_they_know(tmp_path: Path) -> None:
    memory, cpu = tmp_path / "memory", tmp_path / "cpu"
    for folder, file in ((memory, "memory.limit_in_bytes"), (cpu, "cpu.max")):
        (folder / "one").mkdir(parents=True)
        (folder / "one" / file).write_text("")
    parents = [str(memory), str(cpu), str(tmp_path / "missing")]
    groups = ControlGroups(parents, "one", memory_bytes=MIB, cpu_millis=1500)
    assert (memory / "one" / "memory.limit_in_bytes").read_text() == str(MIB)
    assert (cpu / "one" / "cpu.max").read_text() == "150000 100000"
    assert not groups.killed_for_memory()
    (memory / "one" / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    assert groups.killed_for_memory()


def test_places_are_listed_while_folders_go_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = AgentHome(tmp_path)
    for workload in ("wl-1", "wl-2"):
        home.place(workload, 7).folder.mkdir(parents=True)
    listed = os.listdir

    def list_and_lose(path: Path) -> list[str]:
        found = listed(path)
        shutil.rmtree(tmp_path / "work" / "wl-1", ignore_errors=True)
        return found

    monkeypatch.setattr(os, "listdir", list_and_lose)
    assert list(home.places()) == [("wl-2", 7)]
    home.close()

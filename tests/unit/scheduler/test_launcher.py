"""The fork server of the shims, as the agent uses it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.kernel.errors import Unavailable
from services.scheduler.engines.process.engine import Place, ProcessEngine
from services.scheduler.engines.process.launcher import Launcher
from services.scheduler.engines.process.shim import run, tree
from tests.support.polling import eventually
from tests.unit.scheduler.places import a_place, end_of, script


def servers(parent: int) -> list[int]:
    """Fork servers of the process `parent`."""
    marker = run.__file__.encode()
    return [pid for pid in tree.children(parent) if marker in Path(f"/proc/{pid}/cmdline").read_bytes()]


def ran(engine: ProcessEngine, place: Place) -> str:
    engine.start(place, script("print('hello')"))
    assert end_of(engine, place).reason == "completed"
    return place.log.read_text()


def test_one_server_launches_all(tmp_path: Path) -> None:
    before = set(servers(os.getpid()))
    engine = ProcessEngine(sandboxed=False)
    assert [ran(engine, a_place(tmp_path / name)) for name in "abc"] == ["hello\n"] * 3
    assert len(set(servers(os.getpid())) - before) == 1


def test_a_killed_server_is_started_again(tmp_path: Path) -> None:
    before = set(servers(os.getpid()))
    engine = ProcessEngine(sandboxed=False)
    ran(engine, a_place(tmp_path / "first"))
    (server,) = set(servers(os.getpid())) - before
    os.kill(server, signal.SIGKILL)
    assert ran(engine, a_place(tmp_path / "second")) == "hello\n"


def test_a_server_ends_with_its_launcher(tmp_path: Path) -> None:
    before = set(servers(os.getpid()))
    engine = ProcessEngine(sandboxed=False)
    ran(engine, a_place(tmp_path))
    del engine
    assert set(servers(os.getpid())) <= before


def test_a_server_ends_with_its_killed_agent_and_the_shim_goes_on(tmp_path: Path) -> None:
    source = f"""
import time
from pathlib import Path
from services.scheduler.engines.process.engine import ProcessEngine
from tests.unit.scheduler.places import a_place, script
engine = ProcessEngine(sandboxed=False)
engine.start(a_place(Path({str(tmp_path)!r})), script("import time; time.sleep(2); print('done')"))
print("started", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        assert agent.stdout.readline() == b"started\n"
        (server,) = servers(agent.pid)
        agent.kill()
    eventually(lambda: not tree.start_time(server), 5)
    place = Place(tmp_path / "work" / "wl-1" / "1", tmp_path / "checkpoints" / "wl-1")
    assert end_of(ProcessEngine(), place).reason == "completed"
    assert place.log.read_text() == "done\n"


def test_a_refused_launch_is_told(tmp_path: Path) -> None:
    (tmp_path / "shim.lock").mkdir()
    with pytest.raises(Unavailable, match=r"could not be launched: IsADirectoryError.*shim\.lock"):
        Launcher().launch(tmp_path)

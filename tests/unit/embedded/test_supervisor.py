import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.settings import Instance
from deploy.embedded.supervisor import Supervisor

_WAIT = "import time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def shim(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """What looks like the shim of a workload whose agent is gone: its last argument is its work folder."""
    folder = Instance(tmp_path, 18000).agent_home / "work" / "wl-1" / "1"
    with subprocess.Popen([sys.executable, "-c", _WAIT, str(folder)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_stopping_interrupts_workloads_without_agent(tmp_path: Path, shim: "subprocess.Popen[bytes]") -> None:
    Supervisor(Instance(tmp_path, 18000)).stop()
    assert shim.wait(5) == -15


def test_workloads_are_kept_when_told_so(
    tmp_path: Path, shim: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_AGENT_KEEP", "1")
    Supervisor(Instance(tmp_path, 18000)).stop()
    assert shim.poll() is None

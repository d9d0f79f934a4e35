import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.serving.adapters.processes import LocalProcesses

SERVICE = "svc-" + "0" * 26


@pytest.fixture
def stub(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that looks as Triton starts its stubs."""
    program = tmp_path / "triton_python_backend_stub"
    program.symlink_to("/bin/cat")  # which waits for its input when an argument is `-`
    model = tmp_path / "models" / f"{SERVICE}.core" / "1" / "model.onnx"
    with subprocess.Popen([program, "-", model], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_instances_of_one_repository_are_found_and_ended(tmp_path: Path, stub: "subprocess.Popen[bytes]") -> None:
    own, other = LocalProcesses(tmp_path / "models"), LocalProcesses(tmp_path / "elsewhere")
    while stub.pid not in own.serving():
        assert stub.poll() is None
    assert own.serving() == {stub.pid: SERVICE}
    assert other.serving() == {}
    other.end(stub.pid)
    own.end(os.getpid())
    assert stub.poll() is None
    own.end(stub.pid)
    assert stub.wait(5) == -signal.SIGKILL

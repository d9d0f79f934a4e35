import os
import subprocess
import sys
from pathlib import Path

from deploy.embedded.launch import Launch
from deploy.embedded.settings import CHECKOUT


def test_shared_memory_of_an_earlier_run_is_removed_at_every_start(tmp_path: Path) -> None:
    own, other = (Path("/dev/shm") / f"modelyard-test-{os.getpid()}-{name}" for name in ("a[1]-x", "b-x"))
    launch = Launch("triton", str(tmp_path), ["true"], {"PATH": os.environ["PATH"]}, "/", own.name.removesuffix("x"))
    launch.save(tmp_path / "triton.json")
    try:
        own.touch()
        other.touch()
        command = [sys.executable, "-m", "deploy.embedded.launch", str(tmp_path / "triton.json")]
        subprocess.run(command, cwd=CHECKOUT, check=True)
        assert not own.exists()
        assert other.exists()
    finally:
        own.unlink(missing_ok=True)
        other.unlink(missing_ok=True)

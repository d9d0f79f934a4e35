"""A Triton of one's own, for tests that kill it."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from deploy.embedded import triton
from deploy.embedded.settings import CHECKOUT, Instance, runtime_folder
from tests.support.polling import eventually


class TritonProcess:
    """Triton as the embedded stack starts it, below `home`, without a supervisor."""

    def __init__(self, home: Path, port_base: int) -> None:
        self.instance = Instance(home=home, port_base=port_base)
        self.grpc = self.instance.address("triton")
        self.repository = self.instance.triton_repository
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        self.instance.make_folders()
        self.repository.mkdir(parents=True, exist_ok=True)
        self._reap()
        triton.prepare(self.instance)
        program = triton.program(self.instance)
        with (self.instance.home / "triton.log").open("ab") as log:
            self._process = subprocess.Popen(
                program.command, env=program.environment, stdout=log, stderr=log, start_new_session=True
            )
        eventually(lambda: triton.answers(self.instance), timeout=60)

    def kill(self) -> None:
        """SIGKILL to Triton alone; its stubs notice by themselves."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it and whatever is left of its process group."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reap()
        self._process = None

    def _reap(self) -> None:
        """A stub may wait for ever for a lock that the killed server held."""
        for pid in self.stubs():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stubs(self, model: str = "") -> list[int]:
        """Pids of the processes of this Triton's instances whose command line names `model`."""
        wanted = f"{self.repository}/{model}"
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if "triton_python_backend_stub" in command and wanted in command:
                found.append(int(folder.name))
        return found


def make_models(folder: Path) -> Path:
    """The model folders of `make_models.py`."""
    subprocess.run(
        [runtime_folder() / "bin" / "python", "tests/support/make_models.py", folder],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        check=True,
        capture_output=True,
        timeout=120,
    )
    return folder

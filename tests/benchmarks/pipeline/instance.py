"""The platform under test: an instance of its own, started as users start theirs."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.embedded.processes import MARKER
from deploy.embedded.settings import CHECKOUT, Instance
from deploy.embedded.stack import Stack
from services.gateway.client import Client
from services.kernel.config import KernelSettings
from tests.benchmarks.pipeline import measure
from tests.benchmarks.pipeline.measure import Sizes
from tests.support.servers import free_port_base

# The gateway's limit for one user is lower than what is measured here.
_SETTINGS = {f"MODELYARD_{kind}RATE_{what}": "1000000" for kind in ("", "INFERENCE_") for what in ("PER_S", "BURST")}


@dataclass
class Bench:
    """A running instance. `results` holds what the parts found, `kept` what one part leaves for another."""

    home: Path
    port_base: int
    sizes: Sizes
    folder: Path
    results: dict[str, float | None] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def instance(self) -> Instance:
        return Instance(home=self.home, port_base=self.port_base)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port_base}"

    def command(self, name: str) -> float:
        """`python -m deploy.embedded NAME`; the seconds that it took."""
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "deploy.embedded", name],
            cwd=CHECKOUT,
            env=self._own_environment(),
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stdout}\n{done.stderr}")
        return time.perf_counter() - began

    def _own_environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MODELYARD_")}
        return kept | _SETTINGS | {"MODELYARD_HOME": str(self.home), "MODELYARD_PORT_BASE": str(self.port_base)}

    def environment(self) -> dict[str, str]:
        """The whole configuration of the platform's processes."""
        found: dict[str, str] = Stack(self.instance).environment()
        return found

    def process_environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """For a process beside the platform's own."""
        return {**self._own_environment(), **self.environment(), **(extra or {})}

    def settings(self) -> KernelSettings:
        """The kernel's settings for this process."""
        values = {name.removeprefix("MODELYARD_").lower(): value for name, value in self.environment().items()}
        return KernelSettings(**{name: values[name] for name in KernelSettings.model_fields if name in values})  # type: ignore[arg-type]

    def client(self) -> Client:
        client = Client(self.url)
        client.sign_in("admin", self.environment()["MODELYARD_ADMIN_PASSWORD"])
        return client

    def processes(self, program: str = "") -> list[int]:
        """Ids of the instance's processes, servers and supervisord included, or of those of one program."""
        return measure.processes_of(f"{MARKER}={program}@{self.home}" if program else str(self.home))


@contextmanager
def bench(sizes: Sizes) -> Iterator[Bench]:
    """An instance that is not up yet, in a temporary folder; taken down at the end."""
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-") as folder:
        made = Bench(Path(folder) / "home", free_port_base(), sizes, Path(folder))
        try:
            yield made
        finally:
            made.command("down")

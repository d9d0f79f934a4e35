"""The whole platform, started as its users start it, in a folder and on ports of its own."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.gateway.client import Client

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Platform:
    """A running instance. `settings` are further variables of its environment, the same at every `up`."""

    home: Path
    port_base: int
    settings: Mapping[str, str] = field(default_factory=dict)

    def embedded(self, *arguments: str) -> str:
        """What `python -m deploy.embedded` with these arguments prints."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MODELYARD_")}
        environment |= {"MODELYARD_HOME": str(self.home), "MODELYARD_PORT_BASE": str(self.port_base)}
        environment |= self.settings
        done = subprocess.run(
            [sys.executable, "-m", "deploy.embedded", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def up(self) -> str:
        return self.embedded("up")

    def down(self) -> str:
        return self.embedded("down")

    def status(self) -> str:
        return self.embedded("status")

    def environment(self) -> dict[str, str]:
        """The variables that `python -m deploy.embedded env` prints."""
        lines = (shlex.split(line)[1] for line in self.embedded("env").splitlines() if line.startswith("export "))
        return dict(line.split("=", 1) for line in lines)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port_base}"

    @property
    def grpc_address(self) -> str:
        return f"127.0.0.1:{self.port_base + 1}"

    def client(self) -> Client:
        client = Client(self.url)
        client.sign_in("admin", self.environment()["MODELYARD_ADMIN_PASSWORD"])
        return client

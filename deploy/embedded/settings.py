"""Where one embedded instance lives: its folder, its ports, and which servers it is told to take from elsewhere."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULT_PORT_BASE = 18000
LOOPBACK = "127.0.0.1"

MOST_COPIES = 2

PORT_OFFSETS: dict[str, int] = {
    "gateway-http": 0,
    "gateway": 1,
    "gateway-http-2": 2,
    "gateway-2": 3,
    "dataset": 10,
    "algorithm": 11,
    "trainer": 12,
    "scheduler": 13,
    "serving": 14,
    "dataset-2": 15,
    "algorithm-2": 16,
    "trainer-2": 17,
    "scheduler-2": 18,
    "serving-2": 19,
    "mongod": 20,
    "rabbitmq": 21,
    "rabbitmq-dist": 22,
    "epmd": 23,
    "objectstore": 24,
    "triton-http": 25,
    "triton": 26,
    "triton-metrics": 27,
}
METRICS_OFFSET = 30
HIGHEST_OFFSET = 49


class EmbeddedError(Exception):
    """Something the person at the keyboard has to know or do; shown without a traceback."""


@dataclass(frozen=True)
class Instance:
    """One embedded instance.

    `amqp_uri` and `triton_grpc` are set when RabbitMQ or Triton are run by somebody else. `copies` is how many of each
    stateless process run, 1 or 2.
    """

    home: Path
    port_base: int = DEFAULT_PORT_BASE
    amqp_uri: str | None = None
    triton_grpc: str | None = None
    triton_http: str | None = None
    copies: int = 1
    inherited: Mapping[str, str] = field(default_factory=dict)

    def port(self, name: str) -> int:
        return self.port_base + PORT_OFFSETS[name]

    def address(self, name: str) -> str:
        """`host:port` of a server or service."""
        return f"{LOOPBACK}:{self.port(name)}"

    def target(self, service: str) -> str:
        """Where gRPC finds all copies of a service."""
        addresses = [self.address(copy_name(service, copy)) for copy in range(1, self.copies + 1)]
        return addresses[0] if len(addresses) == 1 else f"ipv4:{','.join(addresses)}"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def triton_repository(self) -> Path:
        return self.home / "triton" / "models"

    @property
    def agent_home(self) -> Path:
        return self.home / "agent"

    def make_folders(self) -> None:
        """Create the folders of the instance, readable by their owner only."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.run, self.logs, self.data, self.triton_repository, self.agent_home):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def remember(self) -> None:
        """Keep ports and copies, so that `status` and `down` need no environment."""
        temporary = self.run / "instance.json.new"
        temporary.write_text(json.dumps({"port_base": self.port_base, "copies": self.copies}))
        temporary.replace(self.run / "instance.json")


def tools_folder() -> Path:
    return CHECKOUT / ".tools"


def runtime_folder() -> Path:
    return CHECKOUT / ".runtime"


def copy_name(name: str, copy: int) -> str:
    """The name of the program or port of one copy, which counts from 1: `dataset`, `dataset-2`."""
    return name if copy == 1 else f"{name}-{copy}"


def _remembered(home: Path, what: str) -> int | None:
    try:
        return int(json.loads((home / "run" / "instance.json").read_text())[what])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _port_base(environ: Mapping[str, str], home: Path) -> int:
    text = environ.get("MODELYARD_PORT_BASE")
    if not text:
        return _remembered(home, "port_base") or DEFAULT_PORT_BASE
    if not text.isdecimal() or not 1024 <= int(text) <= 65535 - HIGHEST_OFFSET:
        raise EmbeddedError(f"MODELYARD_PORT_BASE is {text!r}; expected a number from 1024 to {65535 - HIGHEST_OFFSET}")
    return int(text)


def _copies(environ: Mapping[str, str], home: Path) -> int:
    text = environ.get("MODELYARD_COPIES")
    if not text:
        return _remembered(home, "copies") or 1
    if not text.isdecimal() or not 1 <= int(text) <= MOST_COPIES:
        raise EmbeddedError(f"MODELYARD_COPIES is {text!r}; expected a number from 1 to {MOST_COPIES}")
    return int(text)


def _foreign(environ: Mapping[str, str], variable: str, own_port: int) -> str | None:
    """The variable's value, unless it is this instance's own address (as after `eval $(… env)`)."""
    value = environ.get(variable)
    if not value or f"{LOOPBACK}:{own_port}" in value:
        return None
    return value


def instance_from_environment(environ: Mapping[str, str] | None = None) -> Instance:
    """Read MODELYARD_HOME, MODELYARD_PORT_BASE, MODELYARD_COPIES, MODELYARD_AMQP_URI and MODELYARD_TRITON_*.

    Raises:
        EmbeddedError: a variable has an impossible value.
    """
    environ = os.environ if environ is None else environ
    home = Path(environ.get("MODELYARD_HOME") or CHECKOUT / ".modelyard").expanduser().absolute()
    base = _port_base(environ, home)
    return Instance(
        home=home,
        port_base=base,
        amqp_uri=_foreign(environ, "MODELYARD_AMQP_URI", base + PORT_OFFSETS["rabbitmq"]),
        triton_grpc=_foreign(environ, "MODELYARD_TRITON_GRPC", base + PORT_OFFSETS["triton"]),
        triton_http=_foreign(environ, "MODELYARD_TRITON_HTTP", base + PORT_OFFSETS["triton-http"]),
        copies=_copies(environ, home),
        inherited=dict(environ),
    )

"""The files through which agent and shim talk. Each is written whole or not at all."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

LAUNCH = "launch.json"
STATE = "state.json"
STOP = "stop.json"
EXIT = "exit.json"
LOG = "log"
ERRORS = "shim.err"
LOCK = "shim.lock"


@dataclass(frozen=True)
class Launch:
    """What the shim has to run. Sizes in bytes, times in seconds; a limit of 0 is no limit.

    `argv` is the whole command line with the sandbox, `program` the executable inside it, `watched` the folders whose
    sizes, without those of `unwatched`, are summed against `output_limit_bytes`, `control_groups` existing groups in
    which a child group is made.
    """

    argv: list[str]
    program: str
    env: dict[str, str]
    cwd: str
    sandboxed: bool = False
    cpu_millis: int = 0
    memory_limit_bytes: int = 0
    time_limit_s: float = 0
    grace_s: float = 10
    log_limit_bytes: int = 20 << 20
    output_limit_bytes: int = 0
    process_limit: int = 4096
    watched: list[str] = field(default_factory=list)
    unwatched: list[str] = field(default_factory=list)
    control_groups: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class State:
    """The processes of a started workload; `start_time` is in clock ticks since boot."""

    shim_pid: int
    pid: int
    start_time: int
    started_at: float


@dataclass(frozen=True)
class Stop:
    """A request to end: `cause` is the reason to record, for example `cancelled` or `interrupted`."""

    cause: str
    grace_s: float


@dataclass(frozen=True)
class Exit:
    """How it ended. `reason` in lower case as in the contract, or `interrupted`, after which it starts again."""

    reason: str
    code: int
    signal: int
    message: str
    log_bytes: int
    peak_memory_bytes: int
    ended_at: float


def write(folder: Path, name: str, content: Launch | State | Stop | Exit) -> None:
    """Replace the file `name`; after a return it survives a power failure."""
    temporary = folder / f".{name}.{os.urandom(6).hex()}"
    with temporary.open("w") as file:
        json.dump(asdict(content), file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / name)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def read_launch(folder: Path) -> Launch:
    return Launch(**json.loads((folder / LAUNCH).read_text()))


def read_state(folder: Path) -> State | None:
    text = _text(folder / STATE)
    return State(**json.loads(text)) if text else None


def read_stop(folder: Path) -> Stop | None:
    text = _text(folder / STOP)
    return Stop(**json.loads(text)) if text else None


def read_exit(folder: Path) -> Exit | None:
    text = _text(folder / EXIT)
    return Exit(**json.loads(text)) if text else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def take_lock(folder: Path) -> int | None:
    """Descriptor of the folder's lock, held until this process and its forks have closed it; None when it is taken."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor

"""Becomes one program of the instance: `python -m deploy.embedded.launch <specification>`.

supervisord starts every program through this, so that the program is on record before it runs: whatever an earlier run
of the same program left behind is ended first, even when supervisord itself was killed, and its shared memory removed.
"""

import glob
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.embedded.processes import MARKER, marker, reap, write_record

GRACE_S = 3.0
"""How long what an earlier start left has to end by itself: its leader is gone, and it only delays the recovery."""

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the kernel's folder


@dataclass(frozen=True)
class Launch:
    """What to execute. The file holds secrets in `environment` and is readable by its owner only."""

    program: str
    home: str
    command: list[str]
    environment: dict[str, str]
    directory: str
    shared_memory: str = ""

    def save(self, path: Path) -> None:
        temporary = path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(self), file)
        temporary.replace(path)


def record_path(home: Path, program: str) -> Path:
    return home / "run" / "pids" / f"{program}.json"


def remove_shared_memory(prefix: str) -> None:
    for region in _SHARED_MEMORY.glob(f"{glob.escape(prefix)}*"):
        region.unlink(missing_ok=True)


def main(specification: str) -> None:
    launch = Launch(**json.loads(Path(specification).read_text()))
    home = Path(launch.home)
    record = record_path(home, launch.program)
    record.parent.mkdir(parents=True, exist_ok=True)
    reap([record], home, grace=GRACE_S)
    if launch.shared_memory:
        remove_shared_memory(launch.shared_memory)
    write_record(record, launch.program)
    os.chdir(launch.directory)
    environment = launch.environment | {MARKER: marker(home, launch.program)}
    sys.stdout.flush()
    os.execvpe(launch.command[0], launch.command, environment)  # noqa: S606 - replacing ourselves is the purpose


if __name__ == "__main__":
    main(sys.argv[1])

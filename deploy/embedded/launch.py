"""Becomes one program of the instance: `python -m deploy.embedded.launch <specification>`.

supervisord starts every program through this, so that the program is on record before it runs. One that outlived its
supervisord is attended instead of started again; what else an earlier run of the same program left behind is ended
first, and its shared memory removed.
"""

import glob
import hashlib
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.embedded.attending import attend
from deploy.embedded.processes import MARKER, Record, is_led, marker, read_record, reap, write_record

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
    stop_wait: float = 30.0
    whole_group: bool = False

    def save(self, path: Path) -> None:
        temporary = path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(self), file)
        temporary.replace(path)


def digest_of(specification: Path) -> str:
    return hashlib.sha256(specification.read_bytes()).hexdigest()


def outlived(specification: Path, home: Path, program: str) -> Record | None:
    """The record of this program where it runs already, launched with the same specification."""
    record = read_record(record_path(home, program))
    same = record is not None and specification.exists() and record.specification == digest_of(specification)
    return record if record is not None and same and is_led(record, home) else None


def record_path(home: Path, program: str) -> Path:
    return home / "run" / "pids" / f"{program}.json"


def remove_shared_memory(prefix: str) -> None:
    for region in _SHARED_MEMORY.glob(f"{glob.escape(prefix)}*"):
        region.unlink(missing_ok=True)


def main(specification: Path) -> None:
    launch = Launch(**json.loads(specification.read_text()))
    home = Path(launch.home)
    running = outlived(specification, home, launch.program)
    if running is not None:
        sys.exit(attend(running, home, whole_group=launch.whole_group, patience_s=launch.stop_wait))
    record = record_path(home, launch.program)
    record.parent.mkdir(parents=True, exist_ok=True)
    reap([record], home, grace=GRACE_S)
    if launch.shared_memory:
        remove_shared_memory(launch.shared_memory)
    write_record(record, launch.program, digest_of(specification))
    os.chdir(launch.directory)
    environment = launch.environment | {MARKER: marker(home, launch.program)}
    sys.stdout.flush()
    os.execvpe(launch.command[0], launch.command, environment)  # noqa: S606 - replacing ourselves is the purpose


if __name__ == "__main__":
    main(Path(sys.argv[1]))

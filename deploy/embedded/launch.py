"""Becomes one program of the instance: `python -m deploy.embedded.launch <specification>`.

supervisord starts every program through this, so that the program is on record before it runs: whatever an earlier run
of the same program left behind is ended first, even when supervisord itself was killed.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.embedded.processes import MARKER, marker, reap, write_record


@dataclass(frozen=True)
class Launch:
    """What to execute. The file holds secrets in `environment` and is readable by its owner only."""

    program: str
    home: str
    command: list[str]
    environment: dict[str, str]
    directory: str

    def save(self, path: Path) -> None:
        temporary = path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(self), file)
        temporary.replace(path)


def record_path(home: Path, program: str) -> Path:
    return home / "run" / "pids" / f"{program}.json"


def main(specification: str) -> None:
    launch = Launch(**json.loads(Path(specification).read_text()))
    home = Path(launch.home)
    record = record_path(home, launch.program)
    record.parent.mkdir(parents=True, exist_ok=True)
    reap([record], home, grace=20)
    write_record(record, launch.program)
    os.chdir(launch.directory)
    environment = launch.environment | {MARKER: marker(home, launch.program)}
    sys.stdout.flush()
    os.execvpe(launch.command[0], launch.command, environment)  # noqa: S606 - replacing ourselves is the purpose


if __name__ == "__main__":
    main(sys.argv[1])

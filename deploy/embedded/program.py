"""What supervisord is told about one process."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """One supervised process.

    Attributes:
        stage: programs of a lower stage are started before those of a higher one, and stopped after them.
        awaited: those of the next stage are started only when this one answers; otherwise they do what they can
            without it at first.
        address: what `status` shows, `host:port` or empty.
        stop_wait: seconds between SIGTERM and SIGKILL.
        whole_group: the stop signal goes to the whole process group, not only to its leader.
        shared_memory: beginning of the names in /dev/shm that are this program's; what a killed one left is removed
            before the next start.
    """

    name: str
    command: tuple[str, ...]
    stage: str
    environment: dict[str, str] = field(default_factory=dict)
    directory: Path | None = None
    address: str = ""
    stop_wait: int = 30
    whole_group: bool = False
    shared_memory: str = ""
    awaited: bool = True


STAGES = ("ground", "servers", "platform")

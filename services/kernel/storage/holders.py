"""Names of processes that hold something for a while, from which their neighbours see when they have died."""

import os
import socket
from functools import lru_cache
from pathlib import Path

from services.kernel.ids import new_id


def holder_name(kind: str) -> str:
    """A name for this process alone: host, process id, something unique, and the place in which the id counts."""
    return f"{socket.gethostname()}:{os.getpid()}:{new_id(kind)}@{_place()}"


def is_gone(holder: str) -> bool:
    """Whether the process of that name lived here and has ended. False whenever that cannot be known.

    Only a hint that makes a take-over quick: what really keeps an old holder out is its fencing token.
    """
    name, _, place = holder.rpartition("@")
    parts = name.split(":")
    if place != _place() or len(parts) != 3 or not parts[1].isdecimal():
        return False
    try:
        os.kill(int(parts[1]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


@lru_cache
def _place() -> str:
    """The running kernel and the namespace of process ids: containers on one machine have one each."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}.{Path('/proc/self/ns/pid').stat().st_ino}"

"""What processes hold without a name in any folder: memory files and files that were removed while open."""

import contextlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_BLOCK = 512  # the unit of st_blocks, whatever the file system

Inode = tuple[int, int]
"""Device and number."""


@dataclass(frozen=True)
class Held:
    """Bytes by where they lie; `inodes` are the files in memory, and `devices` file systems that count as a whole."""

    memory: int = 0
    disk: int = 0
    inodes: frozenset[Inode] = frozenset()
    devices: frozenset[int] = frozenset()


@lru_cache(maxsize=1)
def _memory_devices() -> frozenset[int]:
    """The device of memfds, and of this machine's own /dev/shm."""
    probe = os.memfd_create("probe")
    try:
        found = {os.fstat(probe).st_dev}
    finally:
        os.close(probe)
    with contextlib.suppress(OSError):
        found.add(os.stat("/dev/shm").st_dev)  # noqa: PTH116, S108  # asked, not used
    return frozenset(found)


def held(pids: Iterable[int], *, sandboxed: bool) -> Held:
    """All that these processes hold. In the sandbox /dev/shm is theirs alone and counts with every file in it."""
    shared: dict[int, int] = {}
    memory: dict[Inode, int] = {}
    disk: dict[Inode, int] = {}
    for pid in pids:
        if sandboxed:
            shared |= _shared_memory(pid)
        for found in _removed_files(pid):
            inode = found.st_dev, found.st_ino
            if found.st_dev not in shared:
                (memory if found.st_dev in _memory_devices() else disk)[inode] = found.st_blocks * _BLOCK
    in_memory = sum(memory.values()) + sum(shared.values())
    return Held(in_memory, sum(disk.values()), frozenset(memory), frozenset(shared))


def _shared_memory(pid: int) -> dict[int, int]:
    """The /dev/shm that the process sees, unless it is this machine's own: its device and the bytes in it."""
    path = f"/proc/{pid}/root/dev/shm"
    try:
        device, room = os.stat(path).st_dev, os.statvfs(path)  # noqa: PTH116
    except OSError:
        return {}
    return {} if device in _memory_devices() else {device: (room.f_blocks - room.f_bfree) * room.f_frsize}


def _removed_files(pid: int) -> list[os.stat_result]:
    """Open regular files that no folder names; memory files never have a name."""
    found = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                status = entry.stat()
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                    found.append(status)
    return found


def mapped_bytes(pids: Iterable[int], what: Held) -> int:
    """How much of the proportional set sizes of the processes are pages of `what`, which are counted there."""
    total = 0
    for pid in pids:
        counts = False
        with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps", "rb") as lines:  # noqa: PTH123
            for line in lines:
                words = line.split()
                if not words[0].endswith(b":"):
                    inode = _inode(words)
                    counts = inode in what.inodes or inode[0] in what.devices
                elif counts and words[0] == b"Pss:":
                    total += int(words[1]) * 1024
    return total


def _inode(header: list[bytes]) -> Inode:
    """Of the first line of a mapping: `address perms offset major:minor inode path`."""
    major, _, minor = header[3].partition(b":")
    return os.makedev(int(major, 16), int(minor, 16)), int(header[4])

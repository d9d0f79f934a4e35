"""A file system of a given size for an instance, which can be filled and emptied in no time."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

PAGE = 4096


@dataclass(frozen=True)
class Quota:
    """Memory mounted at `folder` (only root may): as full as a disk when its size is reached."""

    folder: Path
    size: int

    def mount(self) -> bool:
        """Whether it could be mounted."""
        self.folder.mkdir()
        try:
            return self._mount(f"size={self.size},mode=0700", "-t", "tmpfs") == 0
        except OSError:
            return False

    def fill(self) -> None:
        """Leave no space: every further page is ENOSPC."""
        room = os.statvfs(self.folder)
        used = (room.f_blocks - room.f_bfree) * room.f_frsize
        self._mount(f"remount,size={max(used, PAGE)}")

    def free(self) -> None:
        """The whole size again."""
        assert self._mount(f"remount,size={self.size}") == 0

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", self.folder], check=False)

    def _mount(self, options: str, *more: str) -> int:
        command = ["mount", *more, "-o", options, "faults", str(self.folder)]
        return subprocess.run(command, capture_output=True, check=False).returncode

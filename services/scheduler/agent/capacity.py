"""What this machine has."""

import os
import subprocess
from pathlib import Path

from services.kernel.values import Resources

_GROUPS = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60


def measure(groups: Path = _GROUPS) -> Resources:
    """Cores and memory of the machine, or of the control group that we are kept in; GPUs as nvidia-smi tells."""
    cores = min(len(os.sched_getaffinity(0)) * 1000, _cpu_quota(groups))
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    memory = min(total, _number(groups / "memory.max"), _number(groups / "memory" / "memory.limit_in_bytes"))
    cards = _gpu_memory()
    return Resources(cores, memory, len(cards) * 1000, sum(cards))


def _cpu_quota(groups: Path) -> int:
    """Thousandths of a core that the control group may use."""
    try:
        quota, period = (groups / "cpu.max").read_text().split()
    except (OSError, ValueError):
        quota, period = str(_number(groups / "cpu" / "cpu.cfs_quota_us")), "100000"
    if not quota.isdecimal() or int(quota) >= _UNLIMITED:
        return _UNLIMITED
    return max(int(quota) * 1000 // int(period), 1)


def _number(path: Path) -> int:
    try:
        text = path.read_text().strip()
    except OSError:
        return _UNLIMITED
    return int(text) if text.isdecimal() and int(text) > 0 else _UNLIMITED


def _gpu_memory() -> list[int]:
    """Bytes of each card."""
    query = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, timeout=10, check=True, text=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [int(line) << 20 for line in answer.stdout.split() if line.isdecimal()]

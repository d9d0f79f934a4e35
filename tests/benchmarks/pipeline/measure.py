"""Small things that all parts need: times, percentiles, alternating runs, what processes use."""

import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True)
class Sizes:
    """How much each part does. `rounds` is how often both sides of a ratio are measured, in turn."""

    starts: int = 3
    submissions: int = 40
    tasks: int = 300
    simulated_tasks: int = 2000
    latency_events: int = 1000
    drained_events: int = 20_000
    upload_bytes: int = 3 << 30
    images: int = 20_000
    epochs: int = 60
    seconds: float = 5.0
    rounds: int = 3


QUICK = Sizes(
    starts=1,
    submissions=5,
    tasks=10,
    simulated_tasks=20,
    latency_events=50,
    drained_events=1000,
    upload_bytes=96 << 20,
    images=400,
    epochs=1,
    seconds=0.7,
    rounds=1,
)


def say(line: str) -> None:
    """Progress, on stderr; stdout holds the result."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of them lie, nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def alternating(rounds: int, first: Callable[[], float], second: Callable[[], float]) -> tuple[float, float]:
    """Medians of both, measured in turn, so that a noisy moment meets both."""
    firsts, seconds_ = [], []
    for _ in range(rounds):
        firsts.append(first())
        seconds_.append(second())
    return statistics.median(firsts), statistics.median(seconds_)


def processes_of(marker: str) -> list[int]:
    """Ids of living processes whose environment at their start held `marker`."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if marker.encode() in environment:
                found.append(int(entry.name))
    return found


def memory_of(pids: Sequence[int]) -> tuple[float, float]:
    """Megabytes (10⁶): sum of proportional set sizes (shared pages count once), sum of resident sets."""
    proportional = resident = 0
    for pid in pids:
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:] if line.endswith("kB")}
        proportional += sizes.get("Pss", 0)
        resident += sizes.get("Rss", 0)
    return proportional * 1024 / 1e6, resident * 1024 / 1e6


def cpu_seconds(pids: Sequence[int]) -> float:
    """CPU time that these processes and their ended children have used."""
    total = 0
    for pid in pids:
        try:
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / _TICK

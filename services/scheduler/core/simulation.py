"""The allocation in virtual time: jobs arrive, run as long as they are said to, and leave. For benchmarks, tests and
questions of what would be if; the decisions are those of production."""

import heapq
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.scheduler.core.allocator import Allocator
from services.scheduler.core.specs import Job, Placed


@dataclass(frozen=True)
class Arrival:
    job: Job
    duration: float
    """Seconds that it really runs, whatever was expected."""


@dataclass
class Outcome:
    started: dict[str, float] = field(default_factory=dict)
    """Seconds of virtual time, by job."""
    placed: dict[str, Placed] = field(default_factory=dict)
    rounds_s: list[float] = field(default_factory=list)
    """How long each round took, in real seconds."""


def simulate(allocator: Allocator, arrivals: Iterable[Arrival]) -> Outcome:
    """Until all have ended, or nothing runs and nothing more arrives. A round follows whatever happens at one time."""
    waiting = sorted(arrivals, key=lambda arrival: (arrival.job.submitted, arrival.job.id), reverse=True)
    durations = {arrival.job.id: arrival.duration for arrival in waiting}
    ends: list[tuple[float, str]] = []
    outcome = Outcome()
    while waiting or ends:
        now = min([end for end, _ in ends[:1]] + [arrival.job.submitted for arrival in waiting[-1:]])
        while ends and ends[0][0] <= now:
            allocator.finish(heapq.heappop(ends)[1])
        while waiting and waiting[-1].job.submitted <= now:
            allocator.submit(waiting.pop().job)
        began = time.perf_counter()
        made = allocator.round(now)
        outcome.rounds_s.append(time.perf_counter() - began)
        for placed in made:
            outcome.started[placed.job], outcome.placed[placed.job] = now, placed
            heapq.heappush(ends, (now + durations[placed.job], placed.job))
    return outcome

"""A trace with times, replayed: how long jobs take, how long gangs wait, and how fair it was."""

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from services.scheduler.core.allocator import Allocator
from services.scheduler.core.rounds import Policy
from services.scheduler.core.simulation import Arrival, Outcome, simulate
from services.scheduler.core.specs import Job, NodeSpec, QueueSpec
from tests.benchmarks.scheduler.fairness import jain
from tests.benchmarks.scheduler.policies import popular_of
from tests.benchmarks.scheduler.traces import Trace

NOISE = 0.5
"""Standard deviation of the logarithm of the expected over the real duration: half of all are off by 1.4 and more."""
GANG = 16
HOUR = 3600.0


@dataclass(frozen=True)
class Replayed:
    jct_mean_h: float
    jct_p99_h: float
    wait_p99_h: dict[str, float]
    """By the cards of the gang."""
    wait_max_h: dict[str, float]
    gang_wait_max_h: float
    """Of gangs of 16 cards and more."""
    jain: float
    """Of the cards that tenants had while all of them waited for more, by hours."""
    round_p50_ms: float
    round_p99_ms: float


def replay(trace: Trace, nodes: Sequence[NodeSpec], policy: Policy, seed: int, reservations: int) -> Replayed:
    chance = random.Random(seed)
    arrivals = []
    for at, job in enumerate(trace.jobs):
        assert job.duration is not None
        estimate = job.duration * math.exp(chance.gauss(0, NOISE))
        made = Job(f"{at:06d}", job.tenant, job.shape, job.submitted, estimate, (job.workers, job.workers))
        arrivals.append(Arrival(made, job.duration))
    tenants = sorted({job.tenant for job in trace.jobs})
    queues = [QueueSpec(tenant) for tenant in tenants]
    popular = popular_of(job.shape for job in trace.jobs)
    allocator = Allocator(nodes, queues, policy, popular=popular, reservations=reservations)
    return _summed(trace, arrivals, simulate(allocator, arrivals))


def _summed(trace: Trace, arrivals: Sequence[Arrival], outcome: Outcome) -> Replayed:
    waits: dict[int, list[float]] = defaultdict(list)
    completions = []
    for arrival, job in zip(arrivals, trace.jobs, strict=True):
        wait = outcome.started[arrival.job.id] - arrival.job.submitted
        waits[round(job.cards)].append(wait / HOUR)
        completions.append((wait + arrival.duration) / HOUR)
    return Replayed(
        jct_mean_h=sum(completions) / len(completions),
        jct_p99_h=quantile(completions, 0.99),
        wait_p99_h={str(cards): quantile(found, 0.99) for cards, found in sorted(waits.items())},
        wait_max_h={str(cards): max(found) for cards, found in sorted(waits.items())},
        gang_wait_max_h=max((max(found) for cards, found in waits.items() if cards >= GANG), default=0.0),
        jain=jain(arrivals, outcome.started),
        round_p50_ms=quantile(outcome.rounds_s, 0.5) * 1e3,
        round_p99_ms=quantile(outcome.rounds_s, 0.99) * 1e3,
    )


def quantile(values: Sequence[float], part: float) -> float:
    """The value that `part` of them do not pass."""
    return sorted(values)[max(math.ceil(part * len(values)) - 1, 0)]

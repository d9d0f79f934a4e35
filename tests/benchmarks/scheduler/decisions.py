"""How fast it decides: all jobs of the list wait at once, of forty tenants, with the nodes empty."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from services.scheduler.core.allocator import Allocator
from services.scheduler.core.rounds import Policy
from services.scheduler.core.specs import Job, NodeSpec, QueueSpec
from tests.benchmarks.scheduler.policies import popular_of
from tests.benchmarks.scheduler.replay import quantile
from tests.benchmarks.scheduler.traces import Trace

TENANTS = 40
ROUNDS = 5
EVENTS = 400


@dataclass(frozen=True)
class Decided:
    decisions_per_s: float
    round_p50_ms: float
    """Of a round over all jobs."""
    round_p99_ms: float
    event_p99_ms: float
    """Of a round after one job has ended, while many wait."""


def decide(trace: Trace, nodes: Sequence[NodeSpec], policy: Policy) -> Decided:
    rounds, placed = [], 0
    for _ in range(ROUNDS):
        allocator = _all_waiting(trace, nodes, policy)
        began = time.perf_counter()
        made = allocator.round(0.0)
        rounds.append(time.perf_counter() - began)
        placed = len(made)
    events = []
    for job in made[:EVENTS]:
        allocator.finish(job.job)
        began = time.perf_counter()
        allocator.round(1.0)
        events.append(time.perf_counter() - began)
    return Decided(
        decisions_per_s=placed / min(rounds),
        round_p50_ms=quantile(rounds, 0.5) * 1e3,
        round_p99_ms=max(rounds) * 1e3,
        event_p99_ms=quantile(events, 0.99) * 1e3,
    )


def _all_waiting(trace: Trace, nodes: Sequence[NodeSpec], policy: Policy) -> Allocator:
    chance = random.Random(0)
    tenants = [f"tenant-{at:02d}" for at in range(TENANTS)]
    popular = popular_of(job.shape for job in trace.jobs)
    allocator = Allocator(nodes, [QueueSpec(name) for name in tenants], policy, popular=popular)
    for at, job in enumerate(trace.jobs):
        allocator.submit(Job(str(at), chance.choice(tenants), job.shape, float(at), 3600.0, (job.workers, job.workers)))
    return allocator

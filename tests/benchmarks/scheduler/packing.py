"""How much of the cards is given out when more is asked for than there is (the experiment of FGD, ATC 2023).

The list is shuffled by the seed, then jobs are drawn again until they ask for 130 % of all cards. They come one after
the other; each is placed at once or never.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.scheduler.core.allocator import Allocator
from services.scheduler.core.records import WHOLE
from services.scheduler.core.rounds import Policy
from services.scheduler.core.specs import Job, NodeSpec, QueueSpec
from tests.benchmarks.scheduler.policies import popular_of
from tests.benchmarks.scheduler.traces import Trace, TraceJob

ARRIVALS = 1.3


@dataclass(frozen=True)
class Packed:
    """Percentages of what the nodes have."""

    gpu_allocation: float
    cpu_allocation: float
    memory_allocation: float
    fragmentation: float
    """Of all cards: what is free and of no use to a job of the list, on average."""


def arrivals(trace: Trace, cards: int, seed: int) -> list[TraceJob]:
    chance = random.Random(seed)
    jobs = list(trace.jobs)
    chance.shuffle(jobs)
    asked = sum(job.cards for job in jobs)
    while asked < ARRIVALS * cards:
        jobs.append(chance.choice(trace.jobs))
        asked += jobs[-1].cards
    return jobs


def pack(trace: Trace, nodes: Sequence[NodeSpec], policy: Policy, seed: int) -> Packed:
    """Since each is placed at once or never, one round in the order of arrival decides as a round for each would."""
    cards = sum(node.cards for node in nodes)
    at_once = policy._replace(fair=False, strict=False)
    allocator = Allocator(
        nodes, [QueueSpec("all")], at_once, popular=popular_of(job.shape for job in trace.jobs), reservations=0
    )
    for at, job in enumerate(arrivals(trace, cards, seed)):
        allocator.submit(Job(str(at), "all", job.shape, float(at), 1.0, (job.workers, job.workers)))
    allocator.round(0.0)
    free, whole = allocator.free(), allocator.capacity()
    parts = [100.0 * (1 - left / there) if there else 0.0 for left, there in zip(free, whole, strict=True)]
    fragmentation = 100.0 * allocator.fragmentation() / (cards * WHOLE)
    return Packed(parts[-2], parts[0], parts[1], fragmentation)


def mean(packed: Sequence[Packed]) -> Packed:
    fields = ("gpu_allocation", "cpu_allocation", "memory_allocation", "fragmentation")
    return replace(packed[0], **{name: sum(getattr(one, name) for one in packed) / len(packed) for name in fields})

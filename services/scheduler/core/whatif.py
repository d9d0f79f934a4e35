"""What would have been: what a ledger tells of arrivals and durations, in virtual time, with other weights or nodes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from services.scheduler.core.allocator import Allocator
from services.scheduler.core.ledger import Beginning, Round
from services.scheduler.core.simulation import Arrival, simulate
from services.scheduler.core.specs import Job, NodeSpec, QueueSpec


@dataclass(frozen=True)
class History:
    """Nodes as they were last, queues as they were set last, and all jobs that came to run."""

    nodes: tuple[NodeSpec, ...]
    queues: tuple[QueueSpec, ...]
    arrivals: tuple[Arrival, ...]


@dataclass(frozen=True)
class Waits:
    """Of the jobs of one queue, in seconds."""

    jobs: int
    mean_s: float
    longest_s: float


def history(rounds: Iterable[Round]) -> History:
    """Raises ValueError when no round tells of nodes.

    A job that had not ended counts as ended with the last round; one that ran before the first, as if it came then.
    """
    jobs: dict[str, Job] = {}
    started: dict[str, float] = {}
    ended: dict[str, float] = {}
    queues: dict[str, QueueSpec] = {}
    made_of: Beginning | None = None
    now = 0.0
    for round_ in rounds:
        now = round_.changes.at
        if round_.changes.begun is not None:
            made_of = round_.changes.begun
            queues |= {queue.name: queue for queue in made_of.queues}
        for adopted in round_.changes.adopted:
            if adopted.job.id not in started:
                jobs[adopted.job.id] = replace(adopted.job, submitted=now)
                started[adopted.job.id] = now
        for submitted in round_.changes.submitted:
            jobs.setdefault(submitted.job.id, submitted.job)
        ended |= dict.fromkeys(round_.changes.ended, now)
        for placed in round_.placed:
            started[placed.job] = now
            ended.pop(placed.job, None)  # its first lease was lost
    if made_of is None:
        raise ValueError("no round tells of nodes: a longer time is needed")
    arrivals = tuple(Arrival(jobs[one], ended.get(one, now) - since) for one, since in started.items())
    return History(made_of.nodes, tuple(queues.values()), arrivals)


def waits(of: History, nodes: Sequence[NodeSpec], queues: Sequence[QueueSpec]) -> Mapping[str, Waits]:
    """How long the jobs of each queue wait on these nodes, with these queues."""
    outcome = simulate(Allocator(nodes, queues), of.arrivals)
    found: dict[str, list[float]] = {}
    for arrival in of.arrivals:
        start = outcome.started.get(arrival.job.id)
        if start is not None:
            found.setdefault(arrival.job.queue, []).append(start - arrival.job.submitted)
    return {name: Waits(len(times), mean(times), max(times)) for name, times in sorted(found.items())}


def with_more_nodes(nodes: Sequence[NodeSpec], count: int, cards: int | None) -> tuple[NodeSpec, ...]:
    """`count` more like the largest of them, with so many cards if that is said."""
    like = max(nodes, key=lambda node: (node.cards, node.amounts, node.name))
    more = [
        replace(like, name=f"{like.name}+{at}", cards=like.cards if cards is None else cards)
        for at in range(1, count + 1)
    ]
    return (*nodes, *more)

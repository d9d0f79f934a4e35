"""The ledger: what each round was told and what it decided, so that anybody can decide it again.

Production decides by `decide` too, from the same `Changes`; a replay that comes to something else has found a fault.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import TypeAdapter

from services.scheduler.core.allocator import Allocator
from services.scheduler.core.specs import Job, NodeSpec, Placed, QueueSpec, Shape, Worker


@dataclass(frozen=True)
class Beginning:
    """What an allocator is made of."""

    nodes: tuple[NodeSpec, ...]
    queues: tuple[QueueSpec, ...]
    popular: tuple[tuple[Shape, float], ...] = ()


@dataclass(frozen=True)
class Adopted:
    """A job that ran already when its allocator was made."""

    job: Job
    workers: tuple[Worker, ...]
    started: float


@dataclass(frozen=True)
class Submitted:
    job: Job
    overtaken: bool = False


@dataclass(frozen=True)
class Changes:
    """What has happened since the round before, in the order in which it is told; `at` in seconds of the epoch."""

    at: float
    begun: Beginning | None = None
    ended: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    adopted: tuple[Adopted, ...] = ()
    submitted: tuple[Submitted, ...] = ()


@dataclass(frozen=True)
class Round:
    changes: Changes
    placed: tuple[Placed, ...]


@dataclass(frozen=True)
class Replayed:
    """A round that was decided again; `placed` is what it comes to, and `shares` are those after it."""

    round: Round
    placed: tuple[Placed, ...]
    shares: dict[str, float]

    @property
    def same(self) -> bool:
        return self.placed == self.round.placed


_ROUND = TypeAdapter(Round)


def dump(round_: Round) -> bytes:
    return _ROUND.dump_json(round_, exclude_defaults=True)


def load(data: bytes) -> Round:
    """Raises ValueError for what `dump` has not written."""
    return _ROUND.validate_json(data)


def decide(allocator: Allocator | None, changes: Changes) -> tuple[Allocator, tuple[Placed, ...]]:
    """One round. Raises ValueError when there is no allocator and none begins."""
    if changes.begun is not None:
        made_of = changes.begun
        allocator = Allocator(made_of.nodes, made_of.queues, popular=dict(made_of.popular))
    if allocator is None:
        raise ValueError("the first round has to tell of nodes and queues")
    for job_id in changes.ended:
        allocator.finish(job_id)
    for job_id in changes.withdrawn:
        allocator.withdraw(job_id)
    for adopted in changes.adopted:
        allocator.adopt(adopted.job, adopted.workers, adopted.started)
    for submitted in changes.submitted:
        allocator.submit(submitted.job, overtaken=submitted.overtaken)
    return allocator, tuple(allocator.round(changes.at))


def replay(rounds: Iterable[Round]) -> Iterator[Replayed]:
    """Decide again, beginning with the first round that tells of nodes and queues; those before it are left out."""
    allocator: Allocator | None = None
    for round_ in rounds:
        if allocator is None and round_.changes.begun is None:
            continue
        allocator, placed = decide(allocator, round_.changes)
        yield Replayed(round_, placed, allocator.shares())

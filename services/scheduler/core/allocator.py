"""The allocation as others see it: nodes, queues and jobs by their names, one round at a time."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from services.scheduler.core import lines, reservations, rounds
from services.scheduler.core.building import empty, in_order, kinds_of, state_of
from services.scheduler.core.nodes import hold
from services.scheduler.core.records import NONE, Records
from services.scheduler.core.rounds import Policy
from services.scheduler.core.scoring import BALANCED
from services.scheduler.core.specs import Job, NodeSpec, Placed, QueueSpec, Reserved, Shape, Worker

MODELYARD = Policy(rule=BALANCED, fair=True, strict=False, epsilon=1e-3, patience_s=600.0)


class Allocator:
    """Who gets what next. Deterministic: equal calls give equal answers, in whatever order nodes are listed.

    Nodes, queues and policy are fixed; when they change, a new one is made and told what runs and waits.
    """

    def __init__(
        self,
        nodes: Iterable[NodeSpec],
        queues: Sequence[QueueSpec],
        policy: Policy = MODELYARD,
        *,
        popular: Mapping[Shape, float] | None = None,
        reservations: int = 4,
    ) -> None:
        self._policy = policy
        self._nodes = sorted(nodes, key=lambda node: node.name)
        self._numbers = {node.name: at for at, node in enumerate(self._nodes)}
        self._kinds = list(kinds_of(self._nodes).values())
        self._queues = {queue.name: at for at, queue in enumerate(in_order(queues))}
        self._state = state_of(self._nodes, queues, popular or {}, reservations)
        self._slots: dict[str, int] = {}
        self._jobs: dict[int, Job] = {}
        self._shapes: dict[Shape, int] = {}
        self._buckets: dict[tuple[int, int, int, int], int] = {}
        self._gangs: dict[tuple[int, int], int] = {}
        self._unused = [0]
        self._workers_unused = 0

    def submit(self, job: Job, *, overtaken: bool = False) -> None:
        """Let it wait for its turn; `overtaken` if it had been so in an allocator before this one."""
        slot = self._enrol(job)
        self._state.jobs[slot]["overtaken"] = overtaken
        lines.enter(self._state, slot)

    def adopt(self, job: Job, workers: Sequence[Worker], started: float) -> None:
        """It runs already, since `started`: what others decided, or this one before it was made anew."""
        slot, shape = self._enrol(job), self._shape(job.shape)
        for node, cards in workers:
            mask = sum(1 << card for card in cards)
            lines.start_worker(self._state, slot, shape, self._numbers[node], mask, started)

    def withdraw(self, job_id: str) -> None:
        """It waits no more."""
        slot = self._slots[job_id]
        lines.leave(self._state, slot)
        if self._state.jobs[slot]["reservation"] != NONE:
            reservations.release(self._state, self._state.jobs[slot]["reservation"])
        self._forget(job_id)

    def finish(self, job_id: str) -> None:
        """It has ended, and gives back what it had."""
        lines.finish(self._state, self._slots[job_id])
        self._forget(job_id)

    def round(self, now: float) -> list[Placed]:
        """Decide; `now` in seconds. What starts, in the order of the decisions."""
        count = rounds.run(self._state, self._policy, now)
        return [self._placed(slot) for slot in self._state.placed[:count].tolist()]

    def reserved(self) -> list[Reserved]:
        """Which nodes are kept for whom."""
        state, names = self._state, [node.name for node in self._nodes]
        return [
            Reserved(
                job=self._jobs[int(held["job"])].id,
                start=float(held["start"]),
                nodes=tuple(names[at] for at in np.flatnonzero(state.nodes["lock"] == slot)),
            )
            for slot, held in enumerate(state.reservations)
            if held["job"] != NONE
        ]

    def overtaken(self) -> set[str]:
        """Who waits and was overtaken by something smaller while it was the first of its queue."""
        return {job.id for slot, job in self._jobs.items() if self._state.jobs[slot]["overtaken"]}

    def shares(self) -> dict[str, float]:
        """The weighted dominant share of each queue, as of the last round."""
        return {name: float(self._state.queues[at]["share"]) for name, at in self._queues.items() if name}

    def free(self) -> list[int]:
        """What is free of each resource, thousandths of cards, bytes of their memory."""
        return [int(amount) for amount in self._state.pool[0]["free"]]

    def capacity(self) -> list[int]:
        return [int(amount) for amount in self._state.pool[0]["capacity"]]

    def fragmentation(self) -> float:
        """Thousandths of cards that are free and of no use, by what is popular."""
        return float(self._state.nodes["fragmentation"].sum())

    def _placed(self, slot: int) -> Placed:
        found = []
        row = int(self._state.jobs[slot]["first_worker"])
        while row != NONE:
            worker = self._state.workers[row]
            mask = int(worker["cards"])
            cards = tuple(card for card in range(mask.bit_length()) if mask >> card & 1)
            found.append((self._nodes[worker["node"]].name, cards))
            row = int(worker["next"])
        return Placed(self._jobs[slot].id, tuple(reversed(found)))

    def _enrol(self, job: Job) -> int:
        """A place for the job, which neither waits nor runs yet."""
        slot, bucket = self._slot(job), self._bucket(job)
        this = self._state.jobs[slot]
        this["queue"], this["bucket"] = self._queues[job.queue], bucket
        this["rank"] = job.submitted if job.rank is None else job.rank
        this["submitted"], this["estimate"] = job.submitted, job.estimate
        this["asks_from"] = job.submitted + self._policy.patience_s
        this["workers"], this["first_worker"], this["reservation"], this["overtaken"] = 0, NONE, NONE, 0
        return slot

    def _forget(self, job_id: str) -> None:
        slot = self._slots.pop(job_id)
        self._unused.append(slot)
        self._workers_unused += self._jobs.pop(slot).workers[1]

    def _slot(self, job: Job) -> int:
        if not self._unused:
            size = len(self._state.jobs)
            self._make_room(2 * size - 1, "jobs", "placed")
            self._unused += range(2 * size - 1, size - 1, -1)
        if self._workers_unused < job.workers[1]:
            self._add_workers(max(job.workers[1], len(self._state.workers)))
        self._workers_unused -= job.workers[1]
        slot = self._unused.pop()
        self._slots[job.id], self._jobs[slot] = slot, job
        return slot

    def _add_workers(self, more: int) -> None:
        old, pool = len(self._state.workers), self._state.pool[0]
        self._make_room(old + more - 1, "workers")
        following = self._state.workers["next"]
        following[old:] = np.arange(old + 1, len(following) + 1)
        following[-1] = pool["free_worker"]
        pool["free_worker"] = old
        self._workers_unused += len(following) - old

    def _bucket(self, job: Job) -> int:
        key = (self._queues[job.queue], self._shape(job.shape), *job.workers)
        known = self._buckets.get(key)
        if known is not None:
            return known
        index = self._buckets[key] = len(self._buckets)
        gang = self._gangs.setdefault((key[1], key[2]), len(self._gangs))
        self._make_room(index, "buckets")
        self._make_room(gang, "gangs")
        bucket, queue = self._state.buckets[index], self._state.queues[key[0]]
        bucket["queue"], bucket["shape"], bucket["minimum"], bucket["maximum"] = key
        bucket["gang"], bucket["size"] = gang, self._size(key[1]) * key[2]
        bucket["holds"] = hold(self._state.nodes, self._state.shapes[key[1]], self._state.eligible[key[1]], key[2])
        bucket["next_of_queue"], queue["first_bucket"] = queue["first_bucket"], index
        return index

    def _size(self, shape: int) -> float:
        """The dominant share of the pool that one worker takes."""
        capacity = self._state.pool[0]["capacity"]
        return float((self._state.shapes[shape]["charge"] / np.maximum(capacity, 1)).max())

    def _shape(self, shape: Shape) -> int:
        known = self._shapes.get(shape)
        if known is not None:
            return known
        index = self._shapes[shape] = len(self._shapes)
        self._make_room(index, "shapes", "eligible", "score", "card")
        this = self._state.shapes[index]
        this["need"], this["cards"], this["share"] = shape.amounts, shape.cards, shape.card_share
        this["card_memory"], this["per_node"], this["seen"] = shape.card_memory, shape.per_node, 0
        this["charge"] = [*shape.amounts, shape.cards * shape.card_share, shape.cards * shape.card_memory]
        self._state.eligible[index] = [shape.allowed_on(node) for node in self._kinds]
        least, wanted = self._state.pool[0]["least"], this["charge"] > 0
        least[wanted] = np.minimum(least[wanted], this["charge"][wanted])
        return index

    def _make_room(self, index: int, *names: str) -> None:
        """Let lists of the state have a place `index`."""
        size = len(getattr(self._state, names[0]))
        if index < size:
            return
        more = max(size, index + 1 - size)
        grown: dict[str, Records] = {}
        for name in names:
            old = getattr(self._state, name)
            grown[name] = np.concatenate([old, empty(more, old.dtype, *old.shape[1:])])
        self._state = self._state._replace(**grown)

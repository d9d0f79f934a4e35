"""The plainest account of what nodes and cards hold, which the allocation is compared with."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.scheduler.core.records import WHOLE
from services.scheduler.core.specs import Job, NodeSpec, Placed, Shape


@dataclass
class Holding:
    """What is free on one node."""

    amounts: list[int]
    cards: list[int]
    memory: list[int]

    def room(self, shape: Shape) -> int:
        """How many workers fit together."""
        room = min([free // need for free, need in zip(self.amounts, shape.amounts, strict=True) if need] or [1 << 20])
        if shape.cards:
            slots = 0
            for free, memory in zip(self.cards, self.memory, strict=True):
                fit = free // shape.card_share
                slots += min(fit, memory // shape.card_memory) if shape.card_memory else fit
            room = min(room, slots // shape.cards)
        return min(room, shape.per_node)


@dataclass
class Ledger:
    nodes: Iterable[NodeSpec]
    free: dict[str, Holding] = field(default_factory=dict)
    specs: dict[str, NodeSpec] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.nodes:
            self.specs[node.name] = node
            self.free[node.name] = Holding(list(node.amounts), [WHOLE] * node.cards, [node.card_memory] * node.cards)

    def take(self, job: Job, placed: Placed) -> None:
        self._move(job, placed, -1)
        for name, _ in placed.workers:
            left = self.free[name]
            assert min([*left.amounts, *left.cards, *left.memory]) >= 0, f"{name} holds more than it has: {left}"
            assert job.shape.allowed_on(self.specs[name])

    def give_back(self, job: Job, placed: Placed) -> None:
        self._move(job, placed, 1)

    def fits(self, job: Job) -> bool:
        """Whether the smallest gang of the job would fit now."""
        room = sum(left.room(job.shape) for name, left in self.free.items() if job.shape.allowed_on(self.specs[name]))
        return room >= job.workers[0]

    def _move(self, job: Job, placed: Placed, sign: int) -> None:
        for name, cards in placed.workers:
            left = self.free[name]
            assert len(cards) == job.shape.cards
            left.amounts = [free + sign * need for free, need in zip(left.amounts, job.shape.amounts, strict=True)]
            memory = self.specs[name].card_memory if job.shape.card_share == WHOLE else job.shape.card_memory
            for card in cards:
                left.cards[card] += sign * job.shape.card_share
                left.memory[card] += sign * memory

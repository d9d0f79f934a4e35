"""Repositories in memory with the conditional write of the real ones."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from services.kernel.entity import Entity
from services.kernel.errors import AlreadyExists, Conflict, NotFound, Unavailable
from services.scheduler.core.ledger import Round

E = TypeVar("E", bound=Entity)


class FakeRepository(Generic[E]):
    """`events` holds (id, event) in order; `saves` counts writes."""

    def __init__(self) -> None:
        self.stored: dict[str, E] = {}
        self.events: list[tuple[str, str]] = []
        self.saves = 0

    def get(self, entity_id: str) -> E:
        if entity_id not in self.stored:
            raise NotFound(f"There is no {entity_id}.")
        return copy.deepcopy(self.stored[entity_id])

    def add(self, entity: E) -> None:
        if entity.id in self.stored:
            raise AlreadyExists(f"There is already {entity.id}.")
        self._write(entity)

    def save(self, entity: E) -> None:
        if self.stored[entity.id].version != entity.version:
            raise Conflict(f"{entity.id} was changed meanwhile.", reason="VERSION_CONFLICT")
        self._write(entity)

    def find(self, **equals: object) -> list[E]:
        return self.select(equals)

    def find_one(self, **equals: object) -> E | None:
        return next(iter(self.select(equals)), None)

    def select(self, query: Mapping[str, object], *, limit: int = 0) -> list[E]:
        found = [
            item for _, item in sorted(self.stored.items()) if all(_matches(item, *pair) for pair in query.items())
        ]
        return copy.deepcopy(found[: limit or None])

    def versions(self, query: Mapping[str, object], *, limit: int = 0) -> dict[str, int]:
        return {item.id: item.version for item in self.select(query, limit=limit)}

    def _write(self, entity: E) -> None:
        self.saves += 1
        entity.version += 1
        self.events += [(entity.id, event) for event in entity.pending]
        entity.pending.clear()
        self.stored[entity.id] = copy.deepcopy(entity)


def _matches(item: object, path: str, wanted: object) -> bool:
    for name in path.split("."):
        item = getattr(item, name, None)
    if isinstance(wanted, dict):
        return item in wanted["$in"] if "$in" in wanted else item != wanted["$ne"]
    return item == wanted


class FakeFences:
    def __init__(self) -> None:
        self.value = 0

    def take(self, count: int) -> int:
        self.value += count
        return self.value - count + 1


def at_once(work: Callable[[], None]) -> None:
    """A transaction of the fakes."""
    work()


class FakeLedger:
    def __init__(self) -> None:
        self.rounds: list[Round] = []
        self.away = False

    def append(self, rounds: Sequence[Round]) -> None:
        if self.away:
            raise Unavailable("The database is away.")
        self.rounds += rounds

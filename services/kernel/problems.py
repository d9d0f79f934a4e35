"""What is wrong in something that was handed in, said so that it can be mended. Standard library only."""

from collections.abc import Iterable
from dataclasses import dataclass, field

KEPT = 100
"""How many problems are kept; the rest is only counted."""


@dataclass(frozen=True)
class Problem:
    """`file` is a path inside the archive, or empty; `line` counts from 1, 0 when it does not apply."""

    message: str
    expected: str = ""
    reason: str = ""
    file: str = ""
    line: int = 0


class Refused(Exception):
    """What was handed in cannot be used, for one reason."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.file}: {problem.message}" if problem.file else problem.message)
        self.problem = problem


@dataclass
class Problems:
    """The first `KEPT` problems and the count of all."""

    kept: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(self, problem: Problem) -> None:
        self.count += 1
        if len(self.kept) < KEPT:
            self.kept.append(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.add(problem)

    def merge(self, others: "Problems") -> None:
        self.extend(others.kept)
        self.count += others.count - len(others.kept)

    def __bool__(self) -> bool:
        return self.count > 0

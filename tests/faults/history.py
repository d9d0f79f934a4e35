"""What the driver was promised and what it got: the one side of the checker's comparison."""

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class TaskPromise:
    """An accepted task. `spared` is False when a fault ended its process on purpose: then it may fail."""

    id: str
    spared: bool = True


@dataclass(frozen=True)
class UploadPromise:
    """An upload whose last byte was acknowledged."""

    id: str
    size: int
    sha256: str


@dataclass(frozen=True)
class ImportPromise:
    """An accepted import and how many samples the archive has."""

    dataset_id: str
    samples: int


@dataclass
class Answers:
    """Inference so far. Errors are allowed while something is broken, wrong answers never."""

    right: int = 0
    errors: int = 0
    hung: int = 0
    wrong: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)


@dataclass
class History:
    """Written by several threads, each of which appends only."""

    tasks: dict[str, TaskPromise] = field(default_factory=dict)
    uploads: list[UploadPromise] = field(default_factory=list)
    imports: list[ImportPromise] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    answers: Answers = field(default_factory=Answers)
    troubles: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, outcome: str, told: str = "") -> None:
        """`outcome` is right, wrong, error or hung."""
        with self.lock:
            answers = self.answers
            match outcome:
                case "right":
                    answers.right += 1
                case "wrong":
                    answers.wrong.append(told)
                case _:
                    answers.errors += 1
                    answers.hung += outcome == "hung"
                    answers.kinds[told] += 1

    def trouble(self, told: str) -> None:
        """Something that a reader of the report should know, though it is no verdict."""
        with self.lock:
            self.troubles.append(told)

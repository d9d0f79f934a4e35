"""The split of a data set for one training run."""

import random
from collections import Counter
from collections.abc import Mapping


class Splitter:
    """Stratified and seeded: tells sample after sample, in the order of the index, whether it trains or tests.

    Each class has `round(count × share)` samples for training, but at least one on each side. The same counts, share
    and seed give the same split on every machine. Memory is one number for each test sample.
    """

    def __init__(self, counts: Mapping[str, int], train_share: float, seed: int) -> None:
        self._tested = {name: _drawn(name, count, train_share, seed) for name, count in counts.items()}
        self._seen: Counter[str] = Counter()

    def split_of_next(self, class_name: str) -> str:
        """`train` or `test` for the next sample of this class."""
        position = self._seen[class_name]
        self._seen[class_name] += 1
        return "test" if position in self._tested[class_name] else "train"


def _drawn(name: str, count: int, train_share: float, seed: int) -> frozenset[int]:
    train = min(max(round(count * train_share), 1), count - 1)
    # Seeding with a text hashes it with SHA-512, which is the same everywhere.
    chosen = random.Random(f"{seed}:{name}").sample(range(count), count - train)  # noqa: S311  # no secret
    return frozenset(chosen)

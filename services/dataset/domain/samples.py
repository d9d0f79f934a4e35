"""Samples as they pass through an import and as they are listed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.dataset.domain.dataset import ClassCount


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a file of an archive belongs: `path` is `<class>/<file>`."""

    path: str
    class_name: str


@dataclass(frozen=True, slots=True)
class SampleContent:
    """The bytes to store, in the standard's encoding, and the beginning of a text."""

    content: bytes
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A stored sample; `split` is `train` or `test`, `size` in bytes."""

    path: str
    class_name: str
    split: str
    size: int
    sha256: str
    excerpt: str = ""


def class_counts(train: Iterable[Placed], test: Iterable[Placed]) -> tuple[ClassCount, ...]:
    """Samples of each class, by name."""
    counts: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for counted, samples in zip(counts, (train, test), strict=True):
        for sample in samples:
            counted[sample.class_name] = counted.get(sample.class_name, 0) + 1
    return tuple(_count(name, *counts) for name in sorted({*counts[0], *counts[1]}))


def _count(name: str, train: Mapping[str, int], test: Mapping[str, int]) -> ClassCount:
    return ClassCount(name, train.get(name, 0), test.get(name, 0))

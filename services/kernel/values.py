"""Values that several services exchange, as `protos/common/v1` has them. Standard library only."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class BundleRef:
    """A folder in the object store: SHA-256 of its index, number of files, bytes of all files together."""

    index: str = ""
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Purpose:
    """What something is for, on two levels; the second belongs to the first."""

    level1: str
    level2: str


@dataclass(frozen=True)
class InterfaceParameter:
    """One input of an inference interface; `type` is `text` or `image`."""

    name: str
    type: str
    required: bool = True
    test_value: str = ""
    description: str = ""


def answer(fields: Iterable[tuple[str, str, str]]) -> str:
    """How an interface tells of the fields of an answer (name, type, description): one a line."""
    return "\n".join(f"{name} ({kind}): {' '.join(description.split())}" for name, kind, description in fields)


@dataclass(frozen=True)
class Interface:
    """What users of a model send; `returns` says in words what comes back, or lists its fields (`answer`)."""

    name: str = ""
    method: str = "POST"
    format: str = "json"
    parameters: tuple[InterfaceParameter, ...] = ()
    returns: str = ""


@dataclass(frozen=True)
class Resources:
    """What the scheduler divides: thousandths of cores and of GPU cards, bytes of memory."""

    cpu_millis: int = 0
    memory_bytes: int = 0
    gpu_millis: int = 0
    gpu_memory_bytes: int = 0

    def amounts(self) -> tuple[int, int, int, int]:
        return self.cpu_millis, self.memory_bytes, self.gpu_millis, self.gpu_memory_bytes

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(*(a + b for a, b in zip(self.amounts(), other.amounts(), strict=True)))

    def __sub__(self, other: "Resources") -> "Resources":
        return Resources(*(a - b for a, b in zip(self.amounts(), other.amounts(), strict=True)))

    def times(self, count: int) -> "Resources":
        return Resources(*(amount * count for amount in self.amounts()))

    def fits_into(self, free: "Resources") -> bool:
        return all(a <= b for a, b in zip(self.amounts(), free.amounts(), strict=True))

    def expected(self) -> str:
        """What is expected of amounts that no node can ever give; empty when there is nothing to say."""
        if self.gpu_millis > 1000 and self.gpu_millis % 1000:
            return "gpu_millis must be a share of one card, below 1000, or whole cards, multiples of 1000"
        if self.gpu_memory_bytes and not self.gpu_millis:
            return "gpu_memory_bytes needs gpu_millis: a share of a card, or whole ones"
        return ""

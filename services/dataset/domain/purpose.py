"""What data sets are for, on two levels."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.kernel.errors import InvalidArgument

PURPOSES: dict[str, tuple[str, ...]] = {
    "image": ("classification", "detection", "segmentation", "keypoint"),
    "text": ("classification", "extraction", "relation"),
    "video": ("classification", "detection", "tracking"),
    "multimodal": ("classification", "retrieval"),
    "table": ("classification", "regression"),
}


@dataclass(frozen=True)
class Purpose:
    """The second level belongs to the first. Raises InvalidArgument when it does not."""

    level1: str
    level2: str

    def __post_init__(self) -> None:
        allowed = PURPOSES.get(self.level1)
        if allowed is None:
            raise _unknown("level1", self.level1, PURPOSES)
        if self.level2 not in allowed:
            raise _unknown("level2", self.level2, allowed, f" under `{self.level1}`")


def _unknown(level: str, value: str, allowed: Iterable[str], where: str = "") -> InvalidArgument:
    return InvalidArgument.field(
        f"dataset.purpose.{level}",
        f"`{value}` is not a purpose{where}; these are: {', '.join(allowed)}",
        reason="PURPOSE_UNKNOWN",
    )

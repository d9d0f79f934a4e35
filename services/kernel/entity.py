"""What every aggregate has in common. Standard library only."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

DEFAULT_PROJECT = "default"


class Visibility(StrEnum):
    PRIVATE = "private"
    PUBLIC = "public"
    PRESET = "preset"


def utc_now() -> datetime:
    """Now, with the millisecond precision that the database keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@dataclass(kw_only=True)
class Entity:
    """An aggregate root.

    `version` is the etag and grows with each save; `sequence` numbers the aggregate's events; `pending` names the
    events that happened since the last save. The repository writes them together with the state.
    """

    id: str
    project: str = DEFAULT_PROJECT
    owner: str = ""
    visibility: Visibility = Visibility.PRIVATE
    created_at: datetime = field(default_factory=utc_now)
    updated_at: datetime = field(default_factory=utc_now)
    version: int = 0
    sequence: int = 0
    pending: list[str] = field(default_factory=list, repr=False, compare=False)

    @property
    def etag(self) -> str:
        return str(self.version)

    @property
    def related_ids(self) -> dict[str, str]:
        """Ids by which one looks for this aggregate in the logs, beside its own, for example `run_id`."""
        return {}

    def happened(self, event: str) -> None:
        """Record that `event` (past tense, for example `onlined`) happened to this aggregate."""
        self.pending.append(event)

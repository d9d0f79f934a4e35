"""How long what is kept only for a while is kept."""

from datetime import timedelta
from functools import lru_cache
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MARGIN_DAYS = 3.0
"""A dead letter that is being replayed is kept a day longer, and its replay may wait for a day or two."""


class RetentionSettings(BaseSettings):
    """In days. Every field is the environment variable `MODELYARD_RETENTION_<FIELD>`.

    Dead letters, and with them the inbox, which must outlive them, cannot be kept for less than a day.
    """

    model_config = SettingsConfigDict(env_prefix="MODELYARD_RETENTION_", frozen=True, extra="ignore")

    outbox_days: float = Field(default=7, ge=1)
    inbox_days: float = Field(default=35, ge=1)
    dead_letters_days: float = Field(default=30, ge=1)
    event_log_days: float = Field(default=30, ge=1)
    idempotency_days: float = Field(default=1, ge=0.1)
    jobs_days: float = Field(default=30, ge=1)
    workloads_days: float = Field(default=90, ge=1)
    ledger_days: float = Field(default=30, ge=1)
    runs_days: float = Field(default=90, ge=1)
    traffic_minutes_days: float = Field(default=2, ge=1)
    traffic_hours_days: float = Field(default=90, ge=1)
    garbage_reports_days: float = Field(default=90, ge=1)
    garbage_grace_days: float = Field(default=7, ge=2)
    garbage_quarantine_days: float = Field(default=1, ge=0.1)
    garbage_every_days: float = Field(default=1, ge=0.01)

    @model_validator(mode="after")
    def _inbox_outlives_dead_letters(self) -> Self:
        # The broker itself keeps dead letters for topology.KEEP_DEAD, whatever is set here.
        needed = max(self.dead_letters_days, 30) + MARGIN_DAYS
        if self.inbox_days < needed:
            raise ValueError(
                f"inbox_days is {self.inbox_days:g}; at least {needed:g} are needed, because an event that is replayed "
                "after its position was forgotten would be handled twice"
            )
        return self

    def kept(self, name: str) -> timedelta:
        """The time behind the field `<name>_days`."""
        days: float = getattr(self, f"{name}_days")
        return timedelta(days=days)


@lru_cache
def retention_settings() -> RetentionSettings:
    return RetentionSettings()

"""How long things are kept."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from services.kernel.messaging.topology import KEEP_DEAD
from services.kernel.retention import RetentionSettings
from services.kernel.storage.blobs import REUSED_FOR


def test_the_inbox_outlives_dead_letters_and_garbage_what_is_used_again() -> None:
    kept = RetentionSettings()
    assert kept.kept("inbox") > max(kept.kept("dead_letters"), KEEP_DEAD) + timedelta(days=2)
    assert kept.kept("garbage_grace") >= 2 * REUSED_FOR


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_RETENTION_WORKLOADS_DAYS", "12.5")
    assert RetentionSettings().kept("workloads") == timedelta(days=12, hours=12)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("INBOX_DAYS", "31", "at least 33 are needed"),
        ("DEAD_LETTERS_DAYS", "60", "at least 63 are needed"),
        ("GARBAGE_GRACE_DAYS", "1", "garbage_grace_days"),
        ("OUTBOX_DAYS", "soon", "outbox_days"),
    ],
)
def test_what_would_lose_or_repeat_is_refused(
    name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"MODELYARD_RETENTION_{name}", value)
    with pytest.raises(ValidationError, match=told):
        RetentionSettings()

"""TTL indexes follow the settings, also on a database of an earlier start."""

from typing import ClassVar

import pytest

from services.kernel.messaging.inbox import PositionDocument
from services.kernel.retention import RetentionSettings
from services.kernel.storage import expiry, mongo
from services.kernel.storage.expiry import Expiry
from services.kernel.storage.idempotency import IdempotencyDocument
from services.kernel.storage.jobs import JobDocument
from services.kernel.storage.mongo import StoredDocument, collection_of

DAY = 24 * 3600


class NoteDocument(StoredDocument):
    meta: ClassVar[dict[str, object]] = {"collection": "notes_for_a_while"}
    expiry = Expiry("at", kept="jobs", index="forget")


@pytest.mark.usefixtures("database")
def test_a_changed_setting_changes_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    mongo.ensure_collections([NoteDocument])
    assert _seconds(NoteDocument, "forget") == 30 * DAY
    monkeypatch.setattr(expiry, "retention_settings", lambda: RetentionSettings(jobs_days=3))
    for _ in range(2):
        mongo.ensure_collections([NoteDocument])
        assert _seconds(NoteDocument, "forget") == 3 * DAY


@pytest.mark.usefixtures("database")
def test_the_indexes_of_the_previous_release_are_used_on() -> None:
    """They had the same names; a second index on the same field would be one too many."""
    for document, name, days in ((PositionDocument, "forget", 35), (IdempotencyDocument, "created_at_1", 1)):
        collection_of(document).drop_indexes()
        assert document.expiry is not None
        collection_of(document).create_index(document.expiry.field, name=name, expireAfterSeconds=77)
        mongo.ensure_collections([document])
        assert _seconds(document, name) == days * DAY
        assert len([one for one in collection_of(document).index_information() if one != "_id_"]) == 1
    assert JobDocument.expiry is not None


def _seconds(document: type[StoredDocument], name: str) -> int:
    return int(collection_of(document).index_information()[name]["expireAfterSeconds"])

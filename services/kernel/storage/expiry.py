"""Documents that go by themselves: TTL indexes that follow the retention settings."""

from dataclasses import dataclass
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from services.kernel.logging import get_logger
from services.kernel.retention import retention_settings

_INDEX_DIFFERS = (85, 86)  # IndexOptionsConflict, IndexKeySpecsConflict
_log = get_logger(__name__)


@dataclass(frozen=True)
class Expiry:
    """Documents go when `field` is older than the retention setting `kept`; `index` is the name of the TTL index."""

    field: str
    kept: str
    index: str


def ensure_expiry(collection: Collection[dict[str, Any]], expiry: Expiry) -> None:
    """Make the TTL index, or give the one that is there the present setting."""
    seconds = int(retention_settings().kept(expiry.kept).total_seconds())
    try:
        collection.create_index(expiry.field, name=expiry.index, expireAfterSeconds=seconds)
    except OperationFailure as error:
        if error.code not in _INDEX_DIFFERS:
            raise
        change = {"name": expiry.index, "expireAfterSeconds": seconds}
        collection.database.command("collMod", collection.name, index=change)
        _log.info("retention_changed", collection=collection.name, seconds=seconds)

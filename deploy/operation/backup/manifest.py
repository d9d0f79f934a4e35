"""The manifest: what belongs to a backup, and the checksums that tell whether it is whole."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from deploy.operation.errors import OperationError
from deploy.operation.servers import DATABASES

FORMAT = 1


@dataclass(frozen=True)
class StoredFile:
    """A file of the backup and its checksum. `sha256` is lower-case hexadecimal, `size` in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Collection:
    """One collection: its documents stand in `file`; `indexes` and `options` are extended JSON."""

    database: str
    name: str
    documents: int
    file: StoredFile
    indexes: str
    options: str


@dataclass(frozen=True)
class Manifest:
    """`taken_at` is the moment of the databases (RFC 3339, UTC); `migrations` the names applied, by database.

    `damaged` are keys of objects whose content did not fit their name in the store already; they are not in the backup.
    """

    id: str
    taken_at: str
    release: str
    migrations: dict[str, list[str]]
    collections: list[Collection]
    objects: StoredFile
    object_count: int
    object_bytes: int
    secrets: StoredFile | None = None
    damaged: list[str] = field(default_factory=list)
    format: int = FORMAT

    @property
    def documents(self) -> int:
        return sum(collection.documents for collection in self.collections)

    @property
    def files(self) -> list[StoredFile]:
        """All but the objects."""
        return [one.file for one in self.collections] + [self.objects] + ([self.secrets] if self.secrets else [])

    def to_bytes(self) -> bytes:
        """JSON in one line, and the SHA-256 of that line in the second."""
        body = json.dumps(asdict(self), ensure_ascii=False, sort_keys=True).encode()
        return body + b"\n" + hashlib.sha256(body).hexdigest().encode() + b"\n"


def parse_manifest(content: bytes) -> Manifest:
    """OperationError when it is damaged, or of a later format than this release knows."""
    body, _, checksum = content.partition(b"\n")
    if checksum != hashlib.sha256(body).hexdigest().encode() + b"\n":
        raise OperationError("The backup is damaged: manifest.json does not fit its checksum.")
    read: dict[str, Any] = json.loads(body)
    if read.get("format") != FORMAT:
        raise OperationError(
            f"The backup has format {read.get('format')}, this release reads {FORMAT}: use the release that wrote it."
        )
    collections = [Collection(**one | {"file": StoredFile(**one["file"])}) for one in read["collections"]]
    for one in collections:
        if one.database not in DATABASES or one.name.startswith("system."):
            raise OperationError(f"The backup holds {one.database}.{one.name}, which is no collection of the platform.")
    secrets = StoredFile(**read["secrets"]) if read["secrets"] else None
    return Manifest(**read | {"collections": collections, "objects": StoredFile(**read["objects"]), "secrets": secrets})

"""Whether a backup is whole: every file and every object against its checksum."""

from collections.abc import Callable

from deploy.operation.backup import objects
from deploy.operation.backup.manifest import Manifest
from deploy.operation.backup.sources import Source

Say = Callable[[str], None]
_SAY_EVERY = 1000


def verify(source: Source, say: Say) -> Manifest:
    """Read everything. OperationError names the first thing that is damaged."""
    manifest = source.manifest()
    for file in manifest.files:
        with source.file(file) as reader:
            reader.check()
    count = 0
    for entry in objects.entries(source, manifest):
        objects.content_of(source, entry)
        count += 1
        if count % _SAY_EVERY == 0:
            say(f"verified {count} of {manifest.object_count} objects")
    say(f"verified {manifest.documents} documents and {count} objects of the backup {manifest.id}")
    return manifest

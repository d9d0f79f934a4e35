"""What is referred to, as object names; and which objects a name stands for."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from services.kernel.errors import NotFound
from services.kernel.maintenance import BUNDLE, FOLDER, Reference
from services.kernel.storage.blobs import blob_key, blob_objects
from services.kernel.storage.bundles import bundle_objects
from services.kernel.storage.objects import ObjectStore
from services.kernel.storage.spilled import SpilledSet
from services.kernel.values import BundleRef

FOLDERS = ("uploads", "logs")
"""Each folder in these is one thing."""

SHARDS = (*(f"blobs/{number:02x}" for number in range(256)), *FOLDERS)
MISSING_SHOWN = 20
_DIGEST = 16


def name_of(key: str) -> str:
    """What has to be referred to for this object to stay: itself, or the folder that it belongs to."""
    first, _, rest = key.partition("/")
    return f"{first}/{rest.partition('/')[0]}" if first in FOLDERS else key


def shard_of(name: str) -> str:
    first, _, rest = name.partition("/")
    return first if first in FOLDERS else f"{first}/{rest.partition('/')[0]}"


class Marks:
    """The names that are referred to. Memory stays small however many there are; `folder` takes 16 bytes for each."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self.missing: list[str] = []
        self.missing_count = 0
        self._store = store
        self._names = SpilledSet(folder / "names", _DIGEST)
        self._content = {kind: SpilledSet(folder / kind, 32) for kind in ("bundles", "blobs")}

    def mark(self, references: Iterable[Reference]) -> None:
        """Take all references first, then look into each bundle once. Raises what the store raises."""
        for reference in references:
            if reference.kind == FOLDER:
                self._add(reference.name)
            else:
                digest = bytes.fromhex(reference.name)
                self._content[reference.kind].add(reference.name[:2], digest)
        for kind, content in self._content.items():
            for shard in content.shards():
                for digest in sorted(content.load(shard)):
                    self._expand(kind, digest.hex())

    def of_shard(self, shard: str) -> "frozenset[bytes]":
        return frozenset(self._names.load(shard))

    def _expand(self, kind: str, sha256: str) -> None:
        try:
            for key in self._objects(kind, sha256):
                self._add(key)
        except NotFound:
            self.missing_count += 1
            if len(self.missing) < MISSING_SHOWN:
                self.missing.append(f"{kind.removesuffix('s')} {sha256}")

    def _objects(self, kind: str, sha256: str) -> Iterator[str]:
        if kind == BUNDLE:
            yield from bundle_objects(self._store, BundleRef(sha256))
        else:
            # The key itself, should it be missing now and be written again soon.
            yield blob_key(sha256)
            yield from blob_objects(self._store, sha256)

    def _add(self, name: str) -> None:
        self._names.add(shard_of(name), digest_of(name))


def digest_of(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=_DIGEST).digest()

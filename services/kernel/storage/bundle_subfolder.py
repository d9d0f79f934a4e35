"""A folder of a bundle as a bundle of its own, which shares the packs: nothing but a small index is written."""

import gzip
import io
import json

from services.kernel.errors import NotFound
from services.kernel.storage.blobs import iter_blob, put_blob
from services.kernel.storage.objects import ObjectStore
from services.kernel.values import BundleRef


def subfolder(store: ObjectStore, ref: BundleRef, folder: str) -> BundleRef:
    """The files below `folder`, with paths relative to it. NotFound when there are none."""
    prefix = folder.rstrip("/") + "/"
    index = gzip.decompress(b"".join(iter_blob(store, ref.index))).splitlines(keepends=True)
    target = io.BytesIO()
    files = size = 0
    with gzip.GzipFile(fileobj=target, mode="wb", mtime=0) as lines:
        lines.write(index[0])
        for line in index[1:]:
            entry = json.loads(line)
            if not entry["path"].startswith(prefix):
                continue
            entry["path"] = entry["path"].removeprefix(prefix)
            lines.write(json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            files, size = files + 1, size + entry["size"]
    if not files:
        raise NotFound(f"There is no folder {folder!r} in the bundle.", reason="FILE_NOT_FOUND")
    return BundleRef(put_blob(store, target.getvalue()).sha256, files, size)

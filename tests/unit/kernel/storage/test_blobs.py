import hashlib
import io
from pathlib import Path

import pytest

from services.kernel.errors import Internal, NotFound
from services.kernel.storage.blobs import blob_key, blob_objects, iter_blob, put_blob, read_blob
from services.kernel.storage.objects import MAX_OBJECT_BYTES
from tests.fakes.object_store import FakeStore

LARGE = bytes(range(256)) * (MAX_OBJECT_BYTES // 256) + b"and more"


@pytest.mark.parametrize("content", [b"", b"x", LARGE[:MAX_OBJECT_BYTES], LARGE, LARGE * 2], ids=len)
@pytest.mark.parametrize("form", ["bytes", "file", "stream"])
def test_comes_back(content: bytes, form: str, tmp_path: Path) -> None:
    store = FakeStore()
    if form == "file":
        (tmp_path / "f").write_bytes(content)
        blob = put_blob(store, tmp_path / "f")
    else:
        blob = put_blob(store, content if form == "bytes" else io.BytesIO(content))
    assert (blob.sha256, blob.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert read_blob(store, blob.sha256) == content
    assert set(blob_objects(store, blob.sha256)) == set(store.objects)


def test_stored_once() -> None:
    store = FakeStore()
    put_blob(store, b"x")
    put_blob(store, b"x")
    assert store.puts == 1


def test_damage_is_seen() -> None:
    store = FakeStore()
    small, large = put_blob(store, b"x"), put_blob(store, LARGE)
    store.objects[blob_key(small.sha256)] = b"y"
    with pytest.raises(Internal):
        read_blob(store, small.sha256)
    last = hashlib.sha256(LARGE[MAX_OBJECT_BYTES:]).hexdigest()
    store.objects[blob_key(last)] = b"and less"
    with pytest.raises(Internal):
        list(iter_blob(store, large.sha256))
    del store.objects[blob_key(last)]
    with pytest.raises(NotFound):
        read_blob(store, large.sha256)


def test_missing_and_malformed() -> None:
    with pytest.raises(NotFound):
        read_blob(FakeStore(), "0" * 64)
    for name in ("", "../x", "A" * 64, "0" * 63):
        with pytest.raises(ValueError, match="SHA-256"):
            read_blob(FakeStore(), name)

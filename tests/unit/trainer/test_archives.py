"""Models as zip streams."""

import io
import zipfile

import pytest

from services.kernel.errors import Internal
from services.kernel.storage.bundles import write_bundle
from services.trainer.archives import PIECE, zip_chunks
from tests.fakes.object_store import FakeStore

WEIGHTS = bytes(range(256)) * (3 * PIECE // 256) + b"end"


def test_the_zip_holds_the_files_and_comes_in_pieces() -> None:
    store = FakeStore()
    files: list[tuple[str, bytes, None]] = [
        ("model.yaml", b"x", None),
        ("model.onnx", WEIGHTS, None),
        ("empty", b"", None),
    ]
    ref = write_bundle(store, files)
    chunks = list(zip_chunks(store, ref))
    assert max(map(len, chunks)) < 2 * PIECE
    with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as archive:
        assert archive.testzip() is None
        assert archive.read("model.onnx") == WEIGHTS
        assert archive.namelist() == ["model.yaml", "model.onnx", "empty"]
    assert list(zip_chunks(store, ref)) == chunks


def test_damage_ends_the_stream_with_an_error() -> None:
    store = FakeStore()
    ref = write_bundle(store, [("model.onnx", WEIGHTS, None)])
    pack = max(store.list("blobs/"), key=lambda key: store.stat(key) or 0)
    store.put(pack, bytes(store.stat(pack) or 0))
    with pytest.raises(Internal, match="damaged"):
        list(zip_chunks(store, ref))

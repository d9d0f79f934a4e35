import io
import os
import zipfile

import pytest

from services.kernel.errors import FailedPrecondition, Internal, InvalidArgument, NotFound
from services.kernel.storage.uploads import (
    Part,
    complete,
    delete_upload,
    open_upload,
    part_key,
    put_part,
    stored_parts,
)
from tests.fakes.object_store import FakeStore


def _upload(content: bytes, part: int = 1000) -> FakeStore:
    store = FakeStore()
    for offset in range(0, len(content), part):
        put_part(store, "up-1", offset, content[offset : offset + part])
    complete(store, "up-1", owner="u", filename="数据.zip", size=len(content))
    return store


def test_content_and_manifest() -> None:
    content = os.urandom(4321)
    manifest, stream = open_upload(_upload(content), "up-1")
    assert (manifest.owner, manifest.filename, manifest.size) == ("u", "数据.zip", 4321)
    assert manifest.parts[-1] == Part(4000, 321)
    assert stream.read(10) == content[:10]
    assert stream.read() == content[10:]
    assert stream.read(5) == b""
    stream.seek(-700, io.SEEK_END)
    assert stream.read(650) == content[-700:-50]
    buffer = bytearray(10_000)
    stream.seek(990)
    assert stream.readinto(buffer) == 10
    assert io.BufferedReader(open_upload(_upload(content), "up-1")[1]).read() == content


def test_an_empty_upload() -> None:
    assert open_upload(_upload(b""), "up-1")[1].read() == b""


def test_a_zip_is_read_in_place() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(50):
            archive.writestr(f"{number}.txt", os.urandom(100))
    with zipfile.ZipFile(open_upload(_upload(made.getvalue()), "up-1")[1]) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 50


def test_unfinished() -> None:
    store = FakeStore()
    put_part(store, "up-1", 0, b"abc")
    put_part(store, "up-1", 5, b"fgh")
    assert stored_parts(store, "up-1") == [Part(0, 3), Part(5, 3)]
    with pytest.raises(NotFound) as caught:
        open_upload(store, "up-1")
    assert caught.value.reason == "UPLOAD_NOT_FOUND"
    for size in (3, 8, 9):
        with pytest.raises(FailedPrecondition) as incomplete:
            complete(store, "up-1", owner="u", filename="f", size=size)
        assert incomplete.value.reason == "UPLOAD_INCOMPLETE"
    put_part(store, "up-1", 3, b"de")
    complete(store, "up-1", owner="u", filename="f", size=8)
    complete(store, "up-1", owner="u", filename="f", size=8)
    assert open_upload(store, "up-1")[1].read() == b"abcdefgh"


@pytest.mark.parametrize("upload_id", ["", "A", "../x", "a/b", "a.b", "a" * 65, "ä", "a\n"])
def test_ids_that_are_refused(upload_id: str) -> None:
    for call in (lambda: open_upload(FakeStore(), upload_id), lambda: put_part(FakeStore(), upload_id, 0, b"x")):
        with pytest.raises(InvalidArgument):
            call()


def test_damage_is_seen() -> None:
    store = _upload(b"x" * 2500)
    store.objects[part_key("up-1", 1000)] = b"short"
    with pytest.raises(Internal):
        open_upload(store, "up-1")[1].read()
    store.objects["uploads/up-1/manifest.json"] = b'{"id": 1}'
    with pytest.raises(Internal):
        open_upload(store, "up-1")


def test_delete() -> None:
    store = _upload(b"x" * 2500)
    delete_upload(store, "up-1")
    delete_upload(store, "up-1")
    assert store.objects == {}


def test_a_writer_that_stood_still_does_not_replace_what_came_after_it() -> None:
    store = FakeStore()
    put_part(store, "up-1", 0, b"abc", writer="second")
    put_part(store, "up-1", 0, b"stale", writer="first")
    complete(store, "up-1", owner="u", filename="f", size=3, parts=[Part(0, 3, "second")])
    assert open_upload(store, "up-1")[1].read() == b"abc"
    delete_upload(store, "up-1")
    assert list(store.list("uploads/")) == []

"""One suite for the fake and the real object store."""

import io
import secrets
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.kernel.entity import utc_now
from services.kernel.errors import NotFound, Unavailable
from services.kernel.storage.objects import MAX_OBJECT_BYTES, MinioStore, ObjectStore
from tests.fakes.object_store import FakeStore
from tests.support.servers import Servers
from tests.support.settings import kernel_settings_for


@pytest.fixture(params=["fake", "s3"])
def store(request: pytest.FixtureRequest) -> Iterator[ObjectStore]:
    if request.param == "fake":
        yield FakeStore()
        return
    servers = request.getfixturevalue("servers")
    real = MinioStore(kernel_settings_for(servers), bucket=f"contract-{secrets.token_hex(4)}")
    yield real
    for key in list(real.list("")):
        real.delete(key)


def _read(store: ObjectStore, key: str, offset: int = 0, length: int | None = None) -> bytes:
    with store.get(key, offset, length) as stream:
        return stream.read()


def test_what_is_put_is_got(store: ObjectStore) -> None:
    store.put("a/b.bin", b"hello")
    assert _read(store, "a/b.bin") == b"hello"
    assert store.stat("a/b.bin") == 5
    assert store.exists("a/b.bin")
    written = store.info("a/b.bin")
    assert written is not None
    assert (written.key, written.size) == ("a/b.bin", 5)
    assert abs((written.modified_at - utc_now()).total_seconds()) < 60
    assert store.info("a/none") is None


def test_put_replaces(store: ObjectStore) -> None:
    store.put("a", b"first, longer")
    store.put("a", b"second")
    assert _read(store, "a") == b"second"


def test_put_reads_a_stream_exactly_as_far_as_told(store: ObjectStore) -> None:
    stream = io.BytesIO(b"0123456789")
    store.put("s", stream, 4)
    assert _read(store, "s") == b"0123"
    assert stream.read() == b"456789"


def test_put_refuses_a_stream_that_ends_early(store: ObjectStore) -> None:
    with pytest.raises(ValueError, match="ended after 2 of 4"):
        store.put("s", io.BytesIO(b"01"), 4)
    assert not store.exists("s")


def test_empty_object(store: ObjectStore) -> None:
    store.put("empty", b"")
    assert store.stat("empty") == 0
    assert _read(store, "empty") == b""


def test_largest_object_and_one_byte_more(store: ObjectStore) -> None:
    content = secrets.token_bytes(1024) * (MAX_OBJECT_BYTES // 1024)
    store.put("large", content)
    assert _read(store, "large") == content
    with pytest.raises(ValueError, match="at most"):
        store.put("larger", content + b"x")


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [(0, None, b"0123456789"), (3, None, b"3456789"), (3, 4, b"3456"), (0, 1, b"0"), (8, 100, b"89"),
     (10, None, b""), (50, 3, b""), (2, 0, b"")],
)  # fmt: skip
def test_ranges(store: ObjectStore, offset: int, length: int | None, expected: bytes) -> None:
    store.put("digits", b"0123456789")
    assert _read(store, "digits", offset, length) == expected


def test_a_stream_is_read_piece_by_piece(store: ObjectStore) -> None:
    store.put("digits", b"0123456789")
    with store.get("digits") as stream:
        assert [stream.read(4), stream.read(4), stream.read(4), stream.read(4)] == [b"0123", b"4567", b"89", b""]


def test_missing(store: ObjectStore) -> None:
    store.put("there", b"x")
    assert store.stat("not/there") is None
    assert not store.exists("not/there")
    assert store.info("not/there") is None
    for length in (None, 0, 3):
        with pytest.raises(NotFound, match="not/there"):
            _read(store, "not/there", 0, length)


def test_missing_before_anything_was_stored(store: ObjectStore) -> None:
    assert list(store.list("x/")) == []
    assert store.stat("x/y") is None
    store.delete("x/y")
    with pytest.raises(NotFound):
        _read(store, "x/y")


def test_delete_is_repeatable(store: ObjectStore) -> None:
    store.put("a/b", b"x")
    store.delete("a/b")
    store.delete("a/b")
    assert not store.exists("a/b")


def test_list_by_prefix_in_order(store: ObjectStore) -> None:
    names = [f"p/{number:04d}" for number in range(30)]
    for key in [*reversed(names), "p/deep/er/x", "q/0001"]:
        store.put(key, b"x")
    assert list(store.list("p/")) == [*names, "p/deep/er/x"]
    assert len(list(store.list(""))) == 32
    (found,), known = store.scan("p/deep/"), store.info("p/deep/er/x")
    assert known is not None
    assert (found.key, found.size) == (known.key, known.size)
    # Some servers tell whole seconds here and milliseconds there.
    assert abs((found.modified_at - known.modified_at).total_seconds()) < 2


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.", "a\\b", "a b", "a\x00", "ä"])
def test_keys_that_are_refused(store: ObjectStore, key: str) -> None:
    with pytest.raises(ValueError, match="not an object key"):
        store.put(key, b"x")
    with pytest.raises(ValueError, match="not an object key"), store.get(key):
        pass


def test_parallel_writers(store: ObjectStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.put(f"n/{number}", bytes([number]) * 1000), range(40)))
    assert all(_read(store, f"n/{number}") == bytes([number]) * 1000 for number in range(40))


def test_a_server_that_is_away_is_told_in_bounded_time(servers: Servers) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = kernel_settings_for(servers).model_copy(update={"s3_endpoint": f"127.0.0.1:{port}"})
    store = MinioStore(settings, tries=1)
    with pytest.raises(Unavailable):
        store.put("a", b"x")
    with pytest.raises(Unavailable):
        store.stat("a")

"""Archives that lie about themselves, each made byte by byte; see test_archives.py for the plain cases."""

import io
import resource
import struct
import tarfile
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from services.kernel.archives import Limits, open_archive
from tests.support.archives import tar_bytes, written, zip_bytes
from tests.unit.kernel.test_archives import MiB, contents, refusal

MANY = 200_000


def many_empty_zip(count: int) -> bytes:
    """A zip of `count` empty files, written by hand as `zipfile` takes long for it."""
    local, central = bytearray(), bytearray()
    for number in range(count):
        name = b"c%d/%d.png" % (number % 10, number)
        fields = (20, 0, 0, 0, 33, 0, 0, 0, len(name), 0)
        central += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, *fields, 0, 0, 0, 0, len(local)) + name
        local += struct.pack("<IHHHHHIIIHH", 0x04034B50, *fields) + name
    zip64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, len(central), len(local))
    locator = struct.pack("<IIQI", 0x07064B50, 0, len(local) + len(central), 1)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return bytes(local + central + zip64 + locator + end)


def test_a_bomb_by_count_is_counted_before_it_is_opened(tmp_path: Path) -> None:
    path = written(tmp_path / "many.zip", many_empty_zip(MANY))
    tracemalloc.start()
    assert refusal(path, Limits(entries=MANY - 1))[0] == "TOO_MANY_ENTRIES"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * MiB


@pytest.mark.long
def test_many_empty_files_are_only_files(tmp_path: Path) -> None:
    path = written(tmp_path / "many.zip", many_empty_zip(MANY))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(1 for _ in open_archive(path, "many.zip")) == MANY
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 600 * MiB


def test_a_nested_archive_is_a_file_and_stays_packed(tmp_path: Path) -> None:
    inner = zip_bytes({"zeros": bytes(8 * MiB)})
    for _ in range(5):
        inner = zip_bytes({"inner.zip": inner}, stored=True)
    assert contents(written(tmp_path / "outer.zip", zip_bytes({"a/inner.zip": inner}))) == {"a/inner.zip": inner}


def test_names_that_differ_in_case_only_are_two_files(tmp_path: Path) -> None:
    files = {"a/X.png": b"1", "a/x.png": b"2", "A/x.png": b"3"}
    assert contents(written(tmp_path / "a.zip", zip_bytes(files))) == files
    assert contents(written(tmp_path / "a.tar", tar_bytes(files))) == files


@pytest.mark.parametrize("name", [b"a/\xff\xfe.png", b"a/\x80\x80\x80.png", b"\xc3\x28/a.png"])
def test_names_in_no_known_encoding_are_refused_or_read_as_gbk(tmp_path: Path, name: bytes) -> None:
    placeholder = b"n" * len(name)
    content = zip_bytes({placeholder.decode(): b"1"}).replace(placeholder, name)
    path = written(tmp_path / "a.zip", content)
    try:
        found = name.decode("gb18030")
    except UnicodeDecodeError:
        assert refusal(path)[0] == "PATH_ENCODING"
    else:
        assert set(contents(path)) == {found}


def overlapping(count: int) -> bytes:
    """A zip whose directory names one packed file `count` times."""
    whole = zip_bytes({"f0000": bytes(MiB)})
    start, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    entry = whole[start:end]
    directory = b"".join(entry.replace(b"f0000", b"f%04d" % number) for number in range(count))
    tail = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(directory), start, 0)
    return whole[:start] + directory + tail


def test_entries_that_lie_on_top_of_each_other_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zip", overlapping(200))
    reason, file, _ = refusal(path, Limits(ratio=10**9))
    assert (reason, file) == ("ARCHIVE_CORRUPT", "f0001") or file.startswith("f")
    assert reason == "ARCHIVE_CORRUPT"


@pytest.mark.parametrize(("field", "value"), [(0, 2**63), (0, 2**64 - 1), (8, 2**62), (16, 2**60)])
def test_zip64_sizes_that_lie_are_refused(tmp_path: Path, field: int, value: int) -> None:
    sizes = bytearray(struct.pack("<QQQ", 1000, 1000, 0))
    struct.pack_into("<Q", sizes, field, value)
    info = zipfile.ZipInfo("a/x.png")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, b"x" * 1000)
    content = bytearray(buffer.getvalue())
    at = content.index(b"PK\x01\x02")
    struct.pack_into("<II", content, at + 20, 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<H", content, at + 30, 28)
    struct.pack_into("<I", content, at + 42, 0xFFFFFFFF)
    name_end = at + 46 + len("a/x.png")
    content[name_end:name_end] = struct.pack("<HH", 1, 24) + bytes(sizes)
    end = content.index(b"PK\x05\x06")
    struct.pack_into("<I", content, end + 12, end - at)
    assert refusal(written(tmp_path / "a.zip", bytes(content)))[0] in {
        "ARCHIVE_TOO_LARGE",
        "ARCHIVE_CORRUPT",
        "COMPRESSION_BOMB",
    }


def pax_tar(headers: dict[str, str], name: str = "a/x.png", content: bytes = b"x" * 600) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo(name)
        info.size, info.pax_headers = len(content), headers
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


PAX: dict[str, tuple[dict[str, str], set[str]]] = {
    "path out": ({"path": "../../etc/passwd"}, {"PATH_TRAVERSAL"}),
    "absolute path": ({"path": "/etc/passwd"}, {"PATH_ABSOLUTE"}),
    "NUL in path": ({"path": "a\0b"}, {"PATH_CONTROL_CHARACTER", "ARCHIVE_CORRUPT"}),
    "huge size": ({"size": str(2**62)}, {"ARCHIVE_CORRUPT", "ARCHIVE_TOO_LARGE", "COMPRESSION_BOMB"}),
    "negative size": ({"size": "-1000"}, {"ARCHIVE_CORRUPT"}),
    "size of many digits": ({"size": "9" * 5000}, {"ARCHIVE_CORRUPT", "ARCHIVE_TOO_LARGE"}),
    "no number": ({"size": "x"}, {"ARCHIVE_CORRUPT"}),
    "sparse map": (
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**40)},
        {"SPECIAL_FILE", "ARCHIVE_CORRUPT"},
    ),
    "old sparse map": (
        {"GNU.sparse.size": str(2**40), "GNU.sparse.map": "0,1," * 1000 + "0,1", "GNU.sparse.numblocks": "1001"},
        {"SPECIAL_FILE", "ARCHIVE_CORRUPT"},
    ),
}


@pytest.mark.parametrize("name", PAX)
def test_pax_headers_that_lie_are_refused(tmp_path: Path, name: str) -> None:
    headers, expected = PAX[name]
    begun = time.process_time()
    assert refusal(written(tmp_path / "a.tar", pax_tar(headers)))[0] in expected
    assert time.process_time() - begun < 5


def test_a_sparse_file_of_a_terabyte_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("a/sparse.png")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = b"\x80" + (2**40).to_bytes(11, "big")
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:512]))
    assert refusal(written(tmp_path / "a.tar", bytes(header) + bytes(1024)))[0] in {"SPECIAL_FILE", "ARCHIVE_CORRUPT"}


def test_headers_upon_headers_are_refused(tmp_path: Path) -> None:
    """`tarfile` reads each inside the one before."""
    block = tarfile.TarInfo.create_pax_global_header({"key": "value"})
    assert contents(written(tmp_path / "few.tar", block * 20 + tar_bytes({"a/x": b"1"}))) == {"a/x": b"1"}
    assert refusal(written(tmp_path / "many.tar", block * 2000 + tar_bytes({"a/x": b"1"})))[0] == "ARCHIVE_UNSUPPORTED"

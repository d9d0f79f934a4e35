"""Every archive here is a real one, made or broken byte by byte."""

import gzip
import io
import stat
import struct
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.kernel.archives import ArchiveRefused, Limits, open_archive
from tests.support.archives import tar_bytes, written, zip_bytes

MiB = 2**20
FILES = {"cats/a.txt": b"alpha", "dogs/b.txt": b"beta" * 1000}


def contents(path: Path, limits: Limits | None = None, name: str = "") -> dict[str, bytes]:
    return {entry.path: entry.read(64 * MiB) for entry in open_archive(path, name or path.name, limits)}


def refusal(path: Path, limits: Limits | None = None, name: str = "") -> tuple[str, str, str]:
    with pytest.raises(ArchiveRefused) as caught:
        contents(path, limits, name)
    problem = caught.value.problem
    assert problem.expected, "every refusal says what was expected"
    return problem.reason, problem.file, problem.message


@pytest.mark.parametrize(
    "content",
    [zip_bytes(FILES), zip_bytes(FILES, stored=True), tar_bytes(FILES), tar_bytes(FILES, compressed=True)],
    ids=["zip", "stored-zip", "tar", "tar.gz"],
)
def test_reads_what_was_packed_again_and_again(tmp_path: Path, content: bytes) -> None:
    archive = open_archive(written(tmp_path / "a", content), "a")
    for _ in range(2):
        assert {entry.path: entry.read(MiB) for entry in archive} == FILES
        assert archive.folders == {"cats", "dogs"}
        assert [entry.path for entry in archive] == list(FILES)


def test_folders_without_files_are_known(tmp_path: Path) -> None:
    folder = tarfile.TarInfo("empty/")
    folder.type = tarfile.DIRTYPE
    archive = open_archive(written(tmp_path / "a.tar", tar_bytes(FILES, extra=[folder])), "a.tar")
    assert len(list(archive)) == 2
    assert "empty" in archive.folders


HOSTILE_NAMES = {
    "../../etc/passwd": "PATH_TRAVERSAL",
    "a/../../b": "PATH_TRAVERSAL",
    "/etc/passwd": "PATH_ABSOLUTE",
    "C:/windows/a": "PATH_ABSOLUTE",
    "..\\..\\b": "PATH_BACKSLASH",
    "a\\b.txt": "PATH_BACKSLASH",
    "a\nb": "PATH_CONTROL_CHARACTER",
    "x" * 256: "PATH_TOO_LONG",
    "/".join(["d"] * 40): "PATH_TOO_DEEP",
}


@pytest.mark.parametrize("pack", [zip_bytes, tar_bytes])
@pytest.mark.parametrize(("name", "reason"), HOSTILE_NAMES.items(), ids=HOSTILE_NAMES.values())
def test_hostile_names_are_refused(
    tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes], name: str, reason: str
) -> None:
    found, _, _ = refusal(written(tmp_path / "a", pack({"ok/a": b"1", name: b"2"})))
    assert found == reason


def test_nul_in_a_zip_name_is_refused(tmp_path: Path) -> None:
    content = zip_bytes({"good.txtX.exe": b"1"}).replace(b"good.txtX.exe", b"good.txt\0.exe")
    assert refusal(written(tmp_path / "a.zip", content))[0] == "PATH_CONTROL_CHARACTER"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_in_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    link = tarfile.TarInfo("a/link")
    link.type, link.linkname = kind, "/etc/passwd"
    assert refusal(written(tmp_path / "a.tar", tar_bytes(FILES, extra=[link])))[:2] == ("LINK", "a/link")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_in_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    device = tarfile.TarInfo("a/device")
    device.type = kind
    assert refusal(written(tmp_path / "a.tar", tar_bytes(FILES, extra=[device])))[0] == "SPECIAL_FILE"


@pytest.mark.parametrize(("kind", "reason"), [(stat.S_IFLNK, "LINK"), (stat.S_IFCHR, "SPECIAL_FILE")])
def test_links_and_devices_in_zip_are_refused(tmp_path: Path, kind: int, reason: str) -> None:
    info = zipfile.ZipInfo("a/odd")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert refusal(written(tmp_path / "a.zip", buffer.getvalue()))[:2] == (reason, "a/odd")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_come_three_times_are_refused(tmp_path: Path) -> None:
    content = zip_bytes([("a/x.txt", b"1"), ("a/x.txt", b"2"), ("a/x.txt", b"3")])
    assert refusal(written(tmp_path / "a.zip", content))[:2] == ("DUPLICATE_PATH", "a/x.txt")


def test_names_that_differ_in_unicode_form_only_are_refused(tmp_path: Path) -> None:
    composed, decomposed = unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")
    assert refusal(written(tmp_path / "a.tar", tar_bytes({composed: b"1", decomposed: b"2"})))[0] == "DUPLICATE_PATH"


def test_names_from_macos_are_composed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tar", tar_bytes({unicodedata.normalize("NFD", "é/ü.txt"): b"1"}))
    assert set(contents(path)) == {unicodedata.normalize("NFC", "é/ü.txt")}


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a")])
def test_a_file_that_is_a_folder_too_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    assert refusal(written(tmp_path / "a.zip", zip_bytes([(name, b"1") for name in names])))[0] == "DUPLICATE_PATH"


def test_too_many_entries(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zip", zip_bytes({f"{number}": b"" for number in range(11)}))
    assert refusal(path, Limits(entries=10))[0] == "TOO_MANY_ENTRIES"
    assert len(contents(path, Limits(entries=11))) == 11


@pytest.mark.parametrize("compressed", [False, True])
def test_too_large_in_total(tmp_path: Path, compressed: bool) -> None:
    path = written(tmp_path / "a", tar_bytes({"a": bytes(range(256)) * 400, "b": b"2" * 1000}, compressed=compressed))
    assert refusal(path, Limits(total_bytes=100_000))[0] == "ARCHIVE_TOO_LARGE"


def test_zip_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    path = written(tmp_path / "bomb.zip", zip_bytes({"ok": b"1", "zeros": bytes(32 * MiB)}))
    assert path.stat().st_size < MiB
    assert refusal(path)[:2] == ("COMPRESSION_BOMB", "zeros")


def test_zip_bomb_with_lying_headers_is_refused(tmp_path: Path) -> None:
    content = bytearray(zip_bytes({"zeros": bytes(32 * MiB)}))
    directory = content.index(b"PK\x01\x02")
    struct.pack_into("<I", content, directory + 24, 100)
    assert refusal(written(tmp_path / "a.zip", bytes(content)))[0] in {"COMPRESSION_BOMB", "ARCHIVE_CORRUPT"}


def test_many_small_bombs_are_counted_together(tmp_path: Path) -> None:
    path = written(tmp_path / "bombs.zip", zip_bytes({f"z{number}": bytes(MiB) for number in range(20)}))
    assert refusal(path)[:2] == ("COMPRESSION_BOMB", "bombs.zip")


def test_tar_gz_bomb_is_refused_without_reading_its_files(tmp_path: Path) -> None:
    path = written(tmp_path / "bomb.tar.gz", tar_bytes({"zeros": bytes(32 * MiB)}, compressed=True))
    with pytest.raises(ArchiveRefused) as caught:
        list(open_archive(path, "bomb.tar.gz"))
    assert caught.value.problem.reason == "COMPRESSION_BOMB"


def test_honest_compression_passes(tmp_path: Path) -> None:
    text = b"".join(b"line %d of a log\n" % number for number in range(700_000))
    path = written(tmp_path / "log.zip", zip_bytes({"log": text}))
    assert contents(path) == {"log": text}


def test_huge_tar_headers_are_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 50 * MiB
    content = header.tobuf(tarfile.GNU_FORMAT) + bytes(4 * MiB)
    assert refusal(written(tmp_path / "a.tar", content))[0] == "ARCHIVE_CORRUPT"


def test_encrypted_zip_is_refused(tmp_path: Path) -> None:
    content = bytearray(zip_bytes({"a": b"secret"}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(written(tmp_path / "a.zip", bytes(content)))[0] == "ARCHIVE_ENCRYPTED"


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_truncated_tar_is_refused_wherever_it_ends(tmp_path: Path, compressed: bool, share: float) -> None:
    noise = {f"f{number}": bytes((number * 7 + at * at) % 256 for at in range(3000)) for number in range(20)}
    content = tar_bytes(noise, compressed=compressed)
    end = len(content.rstrip(b"\0")) if not compressed else len(content)
    path = written(tmp_path / "a.tar", content[: int(end * share)])
    assert refusal(path)[0] in {"ARCHIVE_CORRUPT", "ARCHIVE_UNKNOWN"}


def test_tar_cut_between_two_files_is_refused(tmp_path: Path) -> None:
    content = tar_bytes({"a": b"1" * 512, "b": b"2" * 512})
    assert refusal(written(tmp_path / "a.tar", content[:1024]))[0] == "ARCHIVE_CORRUPT"


def test_tar_with_a_damaged_header_in_the_middle_is_refused(tmp_path: Path) -> None:
    content = bytearray(tar_bytes({"a": b"1" * 512, "b": b"2" * 512}))
    content[1024 + 100] ^= 0xFF
    assert refusal(written(tmp_path / "a.tar", bytes(content)))[0] == "ARCHIVE_CORRUPT"


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
def test_truncated_zip_is_refused(tmp_path: Path, share: float) -> None:
    content = zip_bytes(FILES)
    assert refusal(written(tmp_path / "a.zip", content[: max(4, int(len(content) * share))]))[0] == "ARCHIVE_CORRUPT"


def test_damaged_content_is_refused_with_its_file(tmp_path: Path) -> None:
    content = bytearray(zip_bytes({"a/x": b"content that is long enough"}, stored=True))
    content[content.index(b"content")] ^= 1
    assert refusal(written(tmp_path / "a.zip", bytes(content)))[:2] == ("ARCHIVE_CORRUPT", "a/x")


@pytest.mark.parametrize("name", ["data.zip", "data.tar.gz", "data"])
def test_text_called_an_archive_says_how_it_begins(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / "x", b"hello world, this is just a text that goes on")
    reason, file, message = refusal(path, name=name)
    assert (reason, file) == ("ARCHIVE_UNKNOWN", name)
    assert "hello world" in message
    assert "a zip, tar or tar.gz was expected" in message


def test_text_called_zip_is_said_to_be_no_zip(tmp_path: Path) -> None:
    _, _, message = refusal(written(tmp_path / "x", b"short"), name="data.zip")
    assert message == "is not a zip archive: it begins with “short”; a zip, tar or tar.gz was expected"


def test_other_archives_are_named(tmp_path: Path) -> None:
    assert "rar archive" in refusal(written(tmp_path / "a.rar", b"Rar!\x1a\x07\x01\x00" + bytes(600)))[2]
    assert "no tar" in refusal(written(tmp_path / "a.gz", gzip.compress(b"only a text" * 100)))[2]


def test_empty_files_and_empty_archives_are_refused(tmp_path: Path) -> None:
    empty = {"0": b"", "z": zip_bytes({}), "t": tar_bytes({}), "g": tar_bytes({}, compressed=True)}
    for name, content in empty.items():
        assert refusal(written(tmp_path / name, content))[0] == "ARCHIVE_EMPTY", name


def test_litter_of_operating_systems_is_passed_over(tmp_path: Path) -> None:
    files = {"a/x": b"1", "__MACOSX/a/._x": b"2", "a/.DS_Store": b"3", "a/Thumbs.db": b"4", "a/._x": b"5"}
    assert contents(written(tmp_path / "a.zip", zip_bytes(files))) == {"a/x": b"1"}


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_chinese_names_without_the_utf8_flag(tmp_path: Path, encoding: str) -> None:
    name = "体育/新闻.txt".encode(encoding)
    placeholder = "x" * len(name)
    content = zip_bytes({placeholder: b"1"}).replace(placeholder.encode(), name)
    assert contents(written(tmp_path / "a.zip", content)) == {"体育/新闻.txt": b"1"}
    assert contents(written(tmp_path / "b.zip", zip_bytes({"体育/新闻.txt": b"1"}))) == {"体育/新闻.txt": b"1"}


def test_gbk_names_in_tar(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, encoding="gbk") as archive:
        archive.addfile(tarfile.TarInfo("体育/新闻.txt"))
    assert set(contents(written(tmp_path / "a.tar", buffer.getvalue()))) == {"体育/新闻.txt"}


def test_read_gives_one_byte_more_than_the_limit_so_that_too_large_is_seen(tmp_path: Path) -> None:
    for entry in open_archive(written(tmp_path / "a.zip", zip_bytes({"a": b"alpha"})), "a.zip"):
        assert entry.read(3) == b"alph"


@pytest.mark.parametrize("content", [zip_bytes(FILES), tar_bytes(FILES), tar_bytes(FILES, compressed=True)])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 255)), min_size=1, max_size=4),
    share=st.floats(0.5, 1),
)
def test_damage_anywhere_is_a_refusal_or_harmless(
    tmp_path: Path, content: bytes, places: list[tuple[float, int]], share: float
) -> None:
    damaged = bytearray(content)
    for place, value in places:
        damaged[int(place * len(damaged))] = value
    path = written(tmp_path / "a", bytes(damaged[: int(len(damaged) * share)]))
    try:
        contents(path)
    except ArchiveRefused as refused:
        assert refused.problem.reason

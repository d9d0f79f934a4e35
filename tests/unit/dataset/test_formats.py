import io

import pytest
from PIL import Image

from services.dataset.formats import Registry
from services.dataset.formats.dir import MAX_CLASS_NAME_BYTES, DirFormat
from services.dataset.formats.image import MAX_PIXELS, read_image
from services.dataset.formats.text import EXCERPT, read_text
from services.kernel.problems import Refused
from tests.support.archives import png_bytes


def reasons(paths: list[str], kind: str = "image", folders: tuple[str, ...] = ()) -> dict[str, str]:
    return {problem.file: problem.reason for problem in DirFormat().lay_out(kind, paths, folders).problems.kept}


def refused(error: Refused) -> tuple[str, str, int]:
    return error.problem.reason, error.problem.file, error.problem.line


def test_the_registry_knows_dir_only() -> None:
    assert Registry().find("dir") is not None
    assert Registry().find("brat_ann") is None


@pytest.mark.parametrize("top", ["", "digits/"])
def test_classes_are_the_folders_at_the_top_or_in_a_single_top_folder(top: str) -> None:
    layout = DirFormat().lay_out("image", [f"{top}0/a.png", f"{top}1/b.JPG"], [])
    assert not layout.problems
    assert layout.classes == ["0", "1"]
    assert {path: (placed.path, placed.class_name) for path, placed in layout.placed.items()} == {
        f"{top}0/a.png": ("0/a.png", "0"),
        f"{top}1/b.JPG": ("1/b.JPG", "1"),
    }


def test_empty_class_folders_are_classes() -> None:
    assert DirFormat().lay_out("text", ["t/a/1.txt", "t/b/1.txt"], ["t", "t/c"]).classes == ["a", "b", "c"]


def test_a_single_class_is_not_taken_for_the_top() -> None:
    assert DirFormat().lay_out("image", ["cats/a.png", "cats/b.png"], ["cats"]).classes == ["cats"]


@pytest.mark.parametrize(("extra", "refused_for"), [(0, {}), (1, {"": "TOO_MANY_CLASSES"})])
def test_class_names_are_short_together(extra: int, refused_for: dict[str, str]) -> None:
    # Two bytes a letter: it is bytes that count.
    names = [f"{number:04}" + "é" * 510 for number in range(MAX_CLASS_NAME_BYTES // 1024)]
    names[0] += "x" * extra
    assert reasons([f"top/{name}/a.png" for name in names]) == refused_for


def test_files_in_the_wrong_place_are_named() -> None:
    assert reasons(["0/a.png", "1/b.png", "readme.png"]) == {"readme.png": "FILE_BESIDE_CLASSES"}
    assert reasons(["d/0/a.png", "d/1/b.png", "d/readme.txt"]) == {"d/readme.txt": "FILE_BESIDE_CLASSES"}
    assert reasons(["0/a.png", "1/deep/b.png"]) == {"1/deep/b.png": "NESTED_FOLDER"}
    assert reasons(["0/a.png", "1/b.txt"]) == {"1/b.txt": "FILE_KIND"}
    assert reasons(["0/a.txt", "1/b.png"], "text") == {"1/b.png": "FILE_KIND"}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"])
def test_images_that_decode_are_taken_as_they_are(kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(buffer, kind)
    assert read_image("a", buffer.getvalue()).content == buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "SAMPLE_EMPTY"),
        (b"this is a text called .png", "IMAGE_UNDECODABLE"),
        (png_bytes(size=(64, 64))[:60], "IMAGE_UNDECODABLE"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "IMAGE_UNDECODABLE"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "IMAGE_UNDECODABLE"),
    ],
)
def test_broken_images_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        read_image("0/a.png", content)
    assert refused(caught.value) == (reason, "0/a.png", 0)


def test_what_is_no_image_is_called_so() -> None:
    with pytest.raises(Refused) as caught:
        read_image("a/1.png", b"this is a text called .png")
    assert caught.value.problem.message == "is not an image"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [int(MAX_PIXELS**0.5) + 10, 20_000])
def test_image_bombs_are_refused_before_they_are_decoded(side: int) -> None:
    buffer = io.BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    with pytest.raises(Refused) as caught:
        read_image("0/a.png", buffer.getvalue())
    assert caught.value.problem.reason == "IMAGE_TOO_LARGE"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_texts_are_stored_in_utf8(encoding: str) -> None:
    read = read_text("a.txt", "中国女排\n夺冠".encode(encoding))
    assert read.content == "中国女排\n夺冠".encode()
    assert read.excerpt == "中国女排 夺冠"


def test_the_excerpt_is_short() -> None:
    assert len(read_text("a.txt", ("字" * 10_000).encode()).excerpt) == EXCERPT


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        (b"", "SAMPLE_EMPTY", 0),
        (b" \n\t ", "SAMPLE_EMPTY", 0),
        (b"one\ntwo\0three", "TEXT_BINARY", 2),
        (b"one\ntwo\nthr\xff\xffee", "TEXT_UNDECODABLE", 3),
        ("text".encode("utf-16"), "TEXT_BINARY", 1),
    ],
)
def test_broken_texts_are_refused_with_their_line(content: bytes, reason: str, line: int) -> None:
    with pytest.raises(Refused) as caught:
        read_text("a/1.txt", content)
    assert refused(caught.value) == (reason, "a/1.txt", line)

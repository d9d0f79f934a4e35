import unicodedata

import pytest

from services.kernel.errors import InvalidArgument
from services.kernel.storage.paths import PathSet, safe_path


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "a//b", "a/", "./a", "a/./b", "a\\b", "..\\x", "C:/x", "c:x",
     "a\x00b", "a\nb", "\x7f", "a\x85", "\ud800", "x" * 256, "名" * 86, "/".join(["abc"] * 300)],
)  # fmt: skip
def test_unsafe(path: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        safe_path(path)
    assert caught.value.reason == "UNSAFE_PATH"
    caught.value.message.encode()


@pytest.mark.parametrize("path", ["a", "a/b.png", ".hidden", "..a", "a..", "名/字.txt", "a b", "ab:c", "x" * 255])
def test_safe(path: str) -> None:
    assert safe_path(path) == path


@pytest.mark.parametrize(
    ("first", "second"),
    [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b"),
     (unicodedata.normalize("NFC", "é.png"), unicodedata.normalize("NFD", "é.png"))],
)  # fmt: skip
def test_collisions(first: str, second: str) -> None:
    paths = PathSet()
    paths.add(first)
    with pytest.raises(InvalidArgument) as caught:
        paths.add(second)
    assert caught.value.reason == "DUPLICATE_PATH"


def test_what_does_not_collide() -> None:
    paths = PathSet()
    for path in ("a/b", "a/c", "A/b", "ab", "a/d/e"):
        paths.add(path)

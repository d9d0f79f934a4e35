"""Texts: stored as UTF-8 whatever their encoding was."""

from services.dataset.domain import SampleContent
from services.kernel.problems import Problem, Refused

TEXT_SUFFIXES = (".txt",)
EXCERPT = 120
_EXPECTED = "a text in UTF-8 or GB 18030 (GBK)"


def read_text(path: str, content: bytes) -> SampleContent:
    """The text in UTF-8 without a byte order mark. Raises Refused when it is empty, binary or in another encoding."""
    if b"\0" in content:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        raise Refused(Problem("holds NUL bytes, so it is not a text", _EXPECTED, "TEXT_BINARY", path, line))
    text = _decoded(path, content)
    if not text.strip():
        raise Refused(Problem("is empty", "a text", "SAMPLE_EMPTY", path))
    return SampleContent(text.encode(), " ".join(text[: EXCERPT * 4].split())[:EXCERPT])


def _decoded(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        first = error
    try:
        return content.decode("gb18030")
    except UnicodeDecodeError as error:
        line = content[: max(first.start, error.start)].count(b"\n") + 1
        message = f"is neither UTF-8 nor GB 18030: byte {error.start} cannot be decoded"
        raise Refused(Problem(message, _EXPECTED, "TEXT_UNDECODABLE", path, line)) from error

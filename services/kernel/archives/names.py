"""Names of archive entries: their encoding, and which of them are refused."""

import re
import unicodedata

from services.kernel.problems import Problem

_DRIVE = re.compile(r"^[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LITTER = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"}
_EXPECTED = "a relative path with `/` between folders"
_MAX_PART = 255
_MAX_PATH = 1024


def decode_name(raw: bytes) -> str:
    """A name without a declared encoding: UTF-8, else GB 18030 (Chinese Windows), else replacement characters."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "surrogateescape")


def shown(name: str) -> str:
    """A hostile name in a form that can stand in a message."""
    text = name.encode("utf-8", "backslashreplace").decode()
    text = "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
    return text if len(text) <= 200 else text[:199] + "…"


def name_problem(name: str, depth: int) -> Problem | None:
    """Why an entry of this name is refused, or None."""
    parts = name.split("/")
    checks = [
        (_CONTROL.search(name), "PATH_CONTROL_CHARACTER", "has a control character in its name"),
        (not _encodable(name), "PATH_ENCODING", "has a name that is neither UTF-8 nor GBK"),
        ("\\" in name, "PATH_BACKSLASH", "has a backslash in its name"),
        (name.startswith("/"), "PATH_ABSOLUTE", "has an absolute path"),
        (_DRIVE.match(name), "PATH_ABSOLUTE", "has a drive letter in its path"),
        (".." in parts, "PATH_TRAVERSAL", "leaves the archive's folder with `..`"),
    ]
    for wrong, reason, message in checks:
        if wrong:
            return Problem(message=message, expected=_EXPECTED, reason=reason, file=shown(name))
    return _size_problem(name, parts, depth)


def _size_problem(name: str, parts: list[str], depth: int) -> Problem | None:
    if len(name.encode()) > _MAX_PATH or any(len(part.encode()) > _MAX_PART for part in parts):
        expected = f"at most {_MAX_PART} bytes a name and {_MAX_PATH} bytes a path"
        return Problem(message="has too long a path", expected=expected, reason="PATH_TOO_LONG", file=shown(name))
    if len(parts) > depth:
        message = f"lies {len(parts) - 1} folders deep"
        return Problem(message=message, expected=f"at most {depth - 1}", reason="PATH_TOO_DEEP", file=shown(name))
    return None


def normal_path(name: str) -> str:
    """The path in Unicode's composed form (macOS stores decomposed names), without `.` and empty parts."""
    path = "/".join(part for part in name.split("/") if part not in ("", "."))
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def is_litter(path: str) -> bool:
    """Whether an operating system left this beside the data."""
    parts = path.split("/")
    return any(part in _LITTER for part in parts) or parts[-1].startswith("._")


def _encodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True

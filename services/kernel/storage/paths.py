"""Paths inside archives and bundles, which come from strangers."""

import re
import unicodedata

from services.kernel.errors import InvalidArgument

MAX_PATH_BYTES = 1024
MAX_NAME_BYTES = 255
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def safe_path(path: str) -> str:
    """The path itself if it can be created below any folder on any machine.

    Raises InvalidArgument (reason UNSAFE_PATH) for an absolute path, `..`, empty parts, backslashes, drive letters,
    control characters, text that is not valid Unicode, and names longer than file systems take.
    """
    if len(path) <= MAX_NAME_BYTES and _PLAIN.fullmatch(path):
        return path  # most paths; the checks below take ten times as long
    problem = _problem(path)
    if problem:
        shown = path.encode("utf-8", "backslashreplace").decode()[:200]
        raise InvalidArgument(f"The path {shown!r} {problem}.", reason="UNSAFE_PATH", metadata={"path": shown})
    return path


def _problem(path: str) -> str:
    try:
        encoded = path.encode("utf-8")
    except UnicodeEncodeError:
        return "is not valid Unicode"
    parts = path.split("/")
    checks = (
        (not path, "is empty"),
        (len(encoded) > MAX_PATH_BYTES, f"is longer than {MAX_PATH_BYTES} bytes"),
        ("\\" in path, "contains a backslash"),
        (any(unicodedata.category(letter) == "Cc" for letter in path), "contains a control character"),
        (path.startswith("/"), "is absolute"),
        (len(parts[0]) > 1 and parts[0][1] == ":" and parts[0][0].isalpha(), "has a drive letter"),
        (".." in parts, "leaves its folder"),
        ("" in parts or "." in parts, "has an empty part or '.'"),
        (any(len(part.encode()) > MAX_NAME_BYTES for part in parts), f"has a name over {MAX_NAME_BYTES} bytes"),
    )
    return next((text for wrong, text in checks if wrong), "")


class PathSet:
    """The paths of one tree so far: refuses duplicates and what would collide when written to a disk."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def add(self, path: str) -> None:
        """Take a safe path. InvalidArgument (DUPLICATE_PATH) if it, its other Unicode form, or a parent is taken."""
        key = unicodedata.normalize("NFC", safe_path(path))
        parents = self._new_parents(key)
        if key in self._files or key in self._folders or any(parent in self._files for parent in parents):
            raise InvalidArgument(
                f"The path {path!r} occurs twice, or as a file and as a folder.",
                reason="DUPLICATE_PATH",
                metadata={"path": path},
            )
        self._files.add(key)
        self._folders.update(parents)

    def _new_parents(self, key: str) -> list[str]:
        """The folders above `key` that are not known yet; those above a known one are known too."""
        found: list[str] = []
        parent = key.rpartition("/")[0]
        while parent and parent not in self._folders:
            found.append(parent)
            parent = parent.rpartition("/")[0]
        return found

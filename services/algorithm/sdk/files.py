"""Atomic writes: a reader sees the old file or the whole new one, also after kill -9."""

import hashlib
import json
import os
from pathlib import Path

from .jsontypes import Json


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` atomically; parent folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def write_json(path: Path, document: Json) -> None:
    """Write `document` atomically as UTF-8 JSON; raises ValueError on NaN or infinity."""
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    write_bytes(path, text.encode("utf-8"))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in lower-case hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def code_hash(files: list[tuple[str, Path]]) -> str:
    """Return one SHA-256 over the names and contents of `files` (name inside the folder, path on disk)."""
    total = hashlib.sha256()
    for name, path in sorted(files):
        total.update(f"{name}\0{sha256(path)}\n".encode())
    return total.hexdigest()


def algorithm_files(folder: Path) -> list[tuple[str, Path]]:
    """List the files that make up an algorithm, sorted by name.

    Left out are hidden files, byte code, links, and the SDK that is put beside the code for a run, so that the
    hash over the list is the same in the repository and inside a run.
    """
    found: list[tuple[str, Path]] = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if hidden or parts[0] == "modelyard_sdk" or path.is_symlink() or not path.is_file():
            continue
        found.append(("/".join(parts), path))
    return found

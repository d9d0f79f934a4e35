"""Turns a plain folder of class folders into a data set, for runs without the platform."""

import os
import random
from pathlib import Path

from .dataset import FORMAT, MANIFEST
from .errors import DatasetError
from .files import write_json
from .jsontypes import Json

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})
TEXT_SUFFIXES = frozenset({".txt"})
_TRAIN, _TEST = "train", "test"


def dataset_from_folder(source: Path, target: Path, *, share: float = 0.9, seed: int = 0) -> Path:
    """Write a data set for `source` into `target` and return its folder; `source` stays as it is.

    A folder with `manifest.json` is returned as it is. `source` has one folder for each class, or folders `train`
    and `test` that do; without the latter, `share` of each class goes to training by a stratified split drawn with
    `seed`, and a class with two samples or more keeps at least one on each side. Raises DatasetError when there is
    nothing to read.
    """
    if (source / MANIFEST).is_file():
        return source
    if not source.is_dir():
        raise DatasetError(f"{source}: no such folder, expected a data set or a folder of class folders")
    target.mkdir(parents=True, exist_ok=True)
    if (source / _TRAIN).is_dir() and (source / _TEST).is_dir():
        chosen = [(split, path) for split in (_TRAIN, _TEST) for path in _files(source / split)]
    else:
        chosen = _split(_files(source), share, random.Random(seed))  # noqa: S311 - a split is no secret
    if not chosen:
        raise DatasetError(f"{source}: no image (.png, .jpg, …) or text (.txt) in class folders")
    kinds = {"image" if path.suffix.lower() in IMAGE_SUFFIXES else "text" for _, path in chosen}
    if len(kinds) > 1:
        raise DatasetError(f"{source}: holds images and texts, expected one kind")
    samples: list[Json] = []
    for split, path in sorted(chosen, key=lambda pair: str(pair[1])):
        name = path.relative_to(source).as_posix()
        _place(path, target / "data" / name)
        samples.append({"path": f"data/{name}", "class": path.parent.name, "split": split})
    classes: list[Json] = [*sorted({path.parent.name for _, path in chosen})]
    write_json(target / MANIFEST, {"format": FORMAT, "kind": kinds.pop(), "classes": classes, "samples": samples})
    return target


def _files(folder: Path) -> list[Path]:
    known = IMAGE_SUFFIXES | TEXT_SUFFIXES
    return sorted(path for path in folder.glob("*/*") if path.is_file() and path.suffix.lower() in known)


def _split(files: list[Path], share: float, generator: random.Random) -> list[tuple[str, Path]]:
    if not 0 < share < 1:
        raise DatasetError(f"split: expected a share above 0 and below 1, got {share}")
    chosen: list[tuple[str, Path]] = []
    for folder in sorted({path.parent for path in files}):
        members = [path for path in files if path.parent == folder]
        generator.shuffle(members)
        train = min(max(round(len(members) * share), 1), max(len(members) - 1, 1))
        chosen += [(_TRAIN if at < train else _TEST, path) for at, path in enumerate(members)]
    return chosen


def _place(path: Path, target: Path) -> None:
    """Hard-link where the file system allows it, so that a large folder is not copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(path.resolve(), target)
    except OSError:
        target.write_bytes(path.read_bytes())

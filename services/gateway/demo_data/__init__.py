"""Data of the demonstration: handwritten digits as images, Chinese news titles as texts.

Origin and licences stand in README.md beside this file.
"""

import gzip
from pathlib import Path

import numpy
from PIL import Image

UNSEEN_DIGITS = 47
"""How many of the last digits are held out of the data set, for predictions of samples never seen."""

_FOLDER = Path(__file__).parent


def write_digits(folder: Path, unseen: Path | None = None) -> None:
    """Write 1 750 handwritten digits as 8×8 grey PNG files in class folders `0` … `9` of `folder`.

    The last 47 are held out; they go into class folders of `unseen`, when given.
    """
    with numpy.load(_FOLDER / "digits" / "digits.npz", allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"]
    first_unseen = len(images) - UNSEEN_DIGITS
    for at, (image, label) in enumerate(zip(images, labels, strict=True)):
        target = folder if at < first_unseen else unseen
        if target is not None:
            path = _file(target, str(label), f"{at:04d}.png")
            # intensities run from 0 to 16
            Image.fromarray((image.astype("uint16") * 255 // 16).astype("uint8")).save(path)


def write_titles(train: Path, test: Path) -> None:
    """Write two times 10 000 news titles of ten classes as one UTF-8 file each in class folders of `train` and `test`.

    The training titles are THUCNews's file `dev.txt`, the independent test set is its `test.txt`.
    """
    classes = (_FOLDER / "thucnews" / "class.txt").read_text(encoding="utf-8").split()
    for name, folder in (("dev", train), ("test", test)):
        with gzip.open(_FOLDER / "thucnews" / f"{name}.txt.gz", "rt", encoding="utf-8") as lines:
            for at, line in enumerate(lines):
                title, label = line.rstrip("\n").rsplit("\t", 1)
                _file(folder, classes[int(label)], f"{at:05d}.txt").write_text(title, encoding="utf-8")


def _file(folder: Path, class_name: str, name: str) -> Path:
    parent = folder / class_name
    parent.mkdir(parents=True, exist_ok=True)
    return parent / name

"""Reader of a data set in the platform's JSON standard, version 1 (`schemas/dataset-v1.schema.json`)."""

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .errors import DatasetError, SampleError
from .jsontypes import Json, JsonObject, as_list, as_object

if TYPE_CHECKING:
    from PIL.Image import Image

FORMAT = "modelyard/1"
MANIFEST = "manifest.json"
_KINDS = ("image", "text")
_SPLITS = ("train", "test")

IMAGE_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""Formats that are decoded; Pillow's others include some that start external programs."""

_DECODER_ERRORS = (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, LookupError)
"""What Pillow's decoders raise for damaged files."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: its class and where its content stands; the content is read when it is asked for."""

    root: Path
    label: int
    class_name: str
    split: str
    path: str | None
    text: str | None

    @property
    def name(self) -> str:
        """The path inside the data set, or the beginning of an inline text."""
        return self.path if self.path is not None else (self.text or "")[:80]

    def file(self) -> Path:
        """Return the file of the sample; raises SampleError for an inline text or a link that leaves the folder."""
        if self.path is None:
            raise SampleError(f"sample '{self.name}': has an inline text, expected a file")
        full = self.root / self.path
        if not full.resolve().is_relative_to(self.root.resolve()):
            raise SampleError(f"sample '{self.name}': is a link that leaves the data set's folder")
        return full

    def read_text(self) -> str:
        """Return the text; raises SampleError when the file is missing or not UTF-8."""
        if self.text is not None:
            return self.text
        try:
            return self.file().read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SampleError(f"sample '{self.name}': not a readable UTF-8 text ({error})") from error

    def read_image(self, mode: str | None = None) -> "Image":
        """Return the decoded image, converted to Pillow mode `mode` ("L", "RGB") when given.

        Raises SampleError when the file is missing, truncated, no image, or larger than Pillow's safety limit.
        """
        from PIL import Image

        try:
            with Image.open(self.file(), formats=IMAGE_FORMATS) as image:
                image.load()
                return image.convert(mode) if mode else image.copy()
        except (*_DECODER_ERRORS, Image.DecompressionBombError) as error:
            raise SampleError(f"sample '{self.name}': not a decodable image ({error})") from error


class Dataset:
    """A data set on disk: classes, and samples that are read lazily, one at a time.

    `digest` is the SHA-256 of the manifest, `version` the platform's version when the manifest names one.
    """

    def __init__(self, folder: Path, manifest: JsonObject, digest: str) -> None:
        self.folder = folder
        self.digest = digest
        self.kind = _choice(manifest, "kind", _KINDS)
        self.classes = _classes(manifest)
        self.non_compliant: list[tuple[Sample, str]] = []
        version = manifest.get("version")
        self.version = version if isinstance(version, str) and version else f"sha256:{digest}"
        self._samples = self._parse(as_list(manifest.get("samples")))

    @classmethod
    def open(cls, folder: Path) -> "Dataset":
        """Read `manifest.json` of `folder`; raises DatasetError naming the field or sample at fault."""
        try:
            content = (folder / MANIFEST).read_bytes()
        except OSError as error:
            raise DatasetError(f"{folder}: cannot read {MANIFEST} ({error.strerror})") from error
        try:
            manifest: Json = json.loads(content)
        except ValueError as error:
            raise DatasetError(f"{MANIFEST}: not JSON ({error})") from error
        found = as_object(manifest).get("format")
        if found != FORMAT:
            raise DatasetError(f"{MANIFEST}: format: expected '{FORMAT}', got {json.dumps(found)}")
        return cls(folder, as_object(manifest), hashlib.sha256(content).hexdigest())

    def __len__(self) -> int:
        return len(self._samples)

    def count(self, split: str) -> int:
        """Number of samples that the manifest lists in `split`."""
        return sum(sample.split == split for sample in self._samples)

    def samples(self, split: str | None = None) -> Iterator[Sample]:
        """Iterate over the samples of `split` ("train", "test"), or all, in the manifest's order."""
        return (sample for sample in self._samples if split is None or sample.split == split)

    def images(self, split: str | None = None, mode: str | None = None) -> Iterator[tuple[Sample, "Image"]]:
        """Iterate over decoded images; those that do not decode are set aside."""
        for sample in self.samples(split):
            try:
                image = sample.read_image(mode)
            except SampleError as error:
                self.set_aside(sample, str(error))
            else:
                yield sample, image

    def texts(self, split: str | None = None) -> Iterator[tuple[Sample, str]]:
        """Iterate over the texts; those that are empty or not UTF-8 are set aside."""
        for sample in self.samples(split):
            try:
                text = sample.read_text()
            except SampleError as error:
                self.set_aside(sample, str(error))
                continue
            if text:
                yield sample, text
            else:
                self.set_aside(sample, f"sample '{sample.name}': the text is empty")

    def set_aside(self, sample: Sample, reason: str) -> None:
        """Count `sample` as non-compliant and leave it out of the training."""
        self.non_compliant.append((sample, reason))
        if len(self.non_compliant) <= 20:
            sys.stdout.write(f"set aside: {reason}\n")
            sys.stdout.flush()

    def _parse(self, entries: list[Json]) -> list[Sample]:
        if not entries:
            raise DatasetError(f"{MANIFEST}: samples: expected at least one sample, got none")
        labels = {name: label for label, name in enumerate(self.classes)}
        return [self._sample(at, as_object(entry), labels) for at, entry in enumerate(entries)]

    def _sample(self, at: int, entry: JsonObject, labels: dict[str, int]) -> Sample:
        where = f"{MANIFEST}: samples[{at}]"
        path, text, name = entry.get("path"), entry.get("text"), entry.get("class")
        if (path is None) == (text is None) or (text is not None and self.kind != "text"):
            wanted = "'path' or 'text'" if self.kind == "text" else "'path'"
            raise DatasetError(f"{where}: expected exactly one content, {wanted}")
        if not isinstance(name, str) or name not in labels:
            raise DatasetError(f"{where}.class: expected one of 'classes', got {json.dumps(name, ensure_ascii=False)}")
        split = _choice(entry, "split", _SPLITS, where + ".")
        if text is not None and not isinstance(text, str):
            raise DatasetError(f"{where}.text: expected a text")
        inside = None if path is None else _inside(path, where)
        return Sample(self.folder, labels[name], name, split, inside, text)


def _choice(document: JsonObject, key: str, allowed: tuple[str, ...], where: str = f"{MANIFEST}: ") -> str:
    value = document.get(key)
    if not isinstance(value, str) or value not in allowed:
        raise DatasetError(f"{where}{key}: expected one of {', '.join(allowed)}, got {json.dumps(value)}")
    return value


def _classes(manifest: JsonObject) -> list[str]:
    names = [name for name in as_list(manifest.get("classes")) if isinstance(name, str) and name]
    if not names or len(set(names)) != len(as_list(manifest.get("classes"))):
        raise DatasetError(f"{MANIFEST}: classes: expected a list of at least one different, non-empty name")
    return names


def _inside(path: Json, where: str) -> str:
    """Return a relative path that stays inside the folder, or raise DatasetError."""
    if not isinstance(path, str) or not path or "\\" in path or "\0" in path:
        raise DatasetError(f"{where}.path: expected a relative path with '/', got {json.dumps(path)}")
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        raise DatasetError(f"{where}.path: '{path}' leaves the data set's folder, expected a relative path inside it")
    return path

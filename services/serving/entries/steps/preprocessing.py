"""From what a client sends (image file or text) to the tensor that the weights take. Runs inside Triton."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

T = TypeVar("T")

MAX_PIXELS = 50_000_000
MAX_IMAGE_BYTES = 32 * 2**20
MAX_TEXT_CHARACTERS = 200_000
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")

# Pillow's own limit stands behind ours: it also covers what decoders allocate before the size is known.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


class BadInput(ValueError):
    """A value cannot be used; the message says what was expected."""


@dataclass(frozen=True)
class ImageStep:
    """As `preprocessing` of `model.yaml`: convert to `mode`, resize, times `scale`, minus `mean`, divided by `std`."""

    width: int
    height: int
    mode: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: float
    resample: str
    layout: str
    dtype: str

    def tensor(self, values: list[bytes]) -> npt.NDArray[np.generic]:
        """(batch, channels, height, width), or with channels last. Raises BadInput naming the row."""
        return np.stack([_in_row(row, self._row, value) for row, value in enumerate(values)])

    def _row(self, content: bytes) -> npt.NDArray[np.generic]:
        image = decode(content, self.mode).resize((self.width, self.height), Image.Resampling[self.resample.upper()])
        scaled = np.asarray(image, dtype=np.float32).reshape(self.height, self.width, -1) * np.float32(self.scale)
        normal = (scaled - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        ordered = normal.transpose(2, 0, 1) if self.layout == "NCHW" else normal
        return ordered.astype(self.dtype)


@dataclass(frozen=True)
class TextStep:
    """Text goes through as it is, after a check."""

    def tensor(self, values: list[bytes]) -> npt.NDArray[np.object_]:
        """(batch, 1) of UTF-8 bytes. Raises BadInput naming the row."""
        rows = [_in_row(row, check_text, value) for row, value in enumerate(values)]
        return np.array(rows, dtype=np.object_).reshape(-1, 1)


def _in_row(row: int, work: Callable[[bytes], T], value: bytes) -> T:
    try:
        return work(value)
    except BadInput as error:
        raise BadInput(f"[{row}]: {error}") from error


def decode(content: bytes, mode: str) -> Image.Image:
    """The decoded image in Pillow mode `mode`. Raises BadInput before memory is spent on too large ones."""
    if not content:
        raise BadInput(f"is empty; expected an image file ({', '.join(FORMATS)})")
    if len(content) > MAX_IMAGE_BYTES:
        raise BadInput(f"has {len(content)} bytes; expected an image file of at most {MAX_IMAGE_BYTES}")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BadInput(f"has {image.width}×{image.height} pixels; expected at most {MAX_PIXELS} pixels")
            return image.convert(mode)
    except Image.DecompressionBombError as error:
        raise BadInput(f"has too many pixels; expected at most {MAX_PIXELS}") from error
    except BadInput:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, LookupError) as error:
        # Decoders raise all of these for damaged files.
        raise BadInput(f"is not a decodable image; expected a whole {', '.join(FORMATS)} file") from error


def check_text(content: bytes) -> bytes:
    """`content` when it is a usable text. Raises BadInput."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"is not UTF-8 (byte {error.start}); expected a text in UTF-8") from error
    if not text.strip():
        raise BadInput("is empty; expected a text")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise BadInput(f"has {len(text)} characters; expected at most {MAX_TEXT_CHARACTERS}")
    return content


def step_from(spec: Mapping[str, Any]) -> ImageStep | TextStep:
    """The step that `step.json` describes."""
    if spec["kind"] == "text":
        return TextStep()
    names = ("width", "height", "mode", "scale", "resample", "layout", "dtype")
    return ImageStep(mean=tuple(spec["mean"]), std=tuple(spec["std"]), **{name: spec[name] for name in names})

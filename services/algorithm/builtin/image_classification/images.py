"""Decoded and resized images of a data set as arrays, and their augmentation."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import modelyard_sdk as sdk
import numpy as np
import torch
from PIL.Image import Resampling
from torch import Tensor
from torch.nn import functional

_IN_MEMORY_BYTES = 512 * 2**20
_GREY_MODES = frozenset({"1", "L", "LA"})


@dataclass(frozen=True)
class Images:
    """Usable samples of one split; `pixels` is uint8 (n, channels, size, size), `labels` int64 (n)."""

    samples: list[sdk.Sample]
    pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]"
    labels: Tensor

    def batch(self, rows: Tensor) -> Tensor:
        """Return `rows` as float32 (batch, channels, size, size) from 0 to 1."""
        return torch.from_numpy(self.pixels[rows.numpy()]).float().div_(255)


def colour_mode(dataset: sdk.Dataset) -> str:
    """Return "L" when the first hundred decodable training images are all grey, else "RGB"."""
    modes = set()
    for sample in islice(dataset.samples("train"), 100):
        try:
            modes.add(sample.read_image().mode)
        except sdk.SampleError:
            continue
    return "L" if modes and modes <= _GREY_MODES else "RGB"


def load(run: sdk.Run, split: str, size: int, mode: str, tick: Callable[[], None]) -> Images:
    """Decode, convert to `mode` and resize the images of `split`; large sets go to a memory-mapped temporary file."""
    dataset = run.dataset
    shape = (dataset.count(split), 1 if mode == "L" else 3, size, size)
    pixels = _allocate(shape, run.output)
    samples: list[sdk.Sample] = []
    for sample, image in dataset.images(split, mode):
        array = np.asarray(image.resize((size, size), Resampling.BILINEAR))
        pixels[len(samples)] = array.reshape(size, size, -1).transpose(2, 0, 1)
        samples.append(sample)
        tick()
    if not samples:
        raise sdk.DatasetError(f"no usable image with split '{split}': expected at least one that decodes")
    labels = torch.tensor([sample.label for sample in samples])
    return Images(samples, pixels[: len(samples)], labels)


def statistics(images: Images) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation of each channel, of values from 0 to 1, over at most 5 000 images."""
    part = images.pixels[: min(len(images.samples), 5000)].astype(np.float32) / 255
    mean, std = part.mean(axis=(0, 2, 3)), part.std(axis=(0, 2, 3))
    return [float(value) for value in mean], [max(float(value), 1e-2) for value in std]


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift by up to 1/10, scale by 0.9–1.1, rotate by up to 10° and change brightness by up to 20 %, at random.

    There is no mirroring: it would change the class of characters and of directed parts.
    """
    count = images.shape[0]
    uniform = torch.rand((5, count), generator=generator) * 2 - 1
    angle, scale, brightness = uniform[0] * 0.175, 1 + uniform[1] * 0.1, 1 + uniform[4] * 0.2
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = [torch.stack([cos, -sin, uniform[2] * 0.2], 1), torch.stack([sin, cos, uniform[3] * 0.2], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return (moved * brightness.view(-1, 1, 1, 1)).clamp_(0, 1)


def _allocate(shape: tuple[int, ...], folder: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    if int(np.prod(shape)) <= _IN_MEMORY_BYTES:
        return np.zeros(shape, dtype=np.uint8)
    # the system's temporary folder may itself be memory; the file has no name and goes when the process ends
    return np.memmap(tempfile.TemporaryFile(dir=folder), dtype=np.uint8, mode="w+", shape=shape)

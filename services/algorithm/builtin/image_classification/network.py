"""A compact residual network whose depth and stem follow the image size (after He et al., arXiv:1512.03385)."""

from itertools import pairwise

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Two 3×3 convolutions with a shortcut; `stride` 2 halves height and width."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, features: Tensor) -> Tensor:
        """Map (batch, before, h, w) to (batch, after, h/stride, w/stride)."""
        return torch.relu(self.body(features) + self.shortcut(features))


class SmallResNet(nn.Module):
    """Maps (batch, channels, size, size) to (batch, classes) logits.

    Small images keep their resolution longer: the stem halves it from 24 pixels on and once more from 96 on; sizes
    above 64 get a fourth stage.
    """

    def __init__(self, channels: int, classes: int, size: int) -> None:
        super().__init__()
        widths = [24, 48, 96, 192] if size > 64 else [24, 48, 96]
        stem: list[nn.Module] = [
            nn.Conv2d(channels, widths[0], 3, 2 if size >= 24 else 1, 1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        ]
        if size >= 96:
            stem.append(nn.MaxPool2d(3, 2, 1))
        blocks = [Block(widths[0], widths[0], 1)]
        blocks += [Block(before, after, 2) for before, after in pairwise(widths)]
        self.features = nn.Sequential(*stem, *blocks)
        self.classify = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes) for normalised images (batch, channels, size, size)."""
        logits: Tensor = self.classify(self.features(images).mean(dim=(2, 3)))
        return logits

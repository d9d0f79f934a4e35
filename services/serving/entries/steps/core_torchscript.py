"""The weights of a TorchScript model, run by torch on one thread. Runs inside Triton."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch


class Core:
    """`spec` holds the position of the output among the model's (`position`)."""

    def __init__(self, weights: Path, spec: dict[str, Any]) -> None:
        torch.set_num_threads(1)
        self._module = torch.jit.load(str(weights), map_location="cpu").eval()
        self._position = int(spec["position"])

    def scores(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(batch, labels) for what preprocessing gives."""
        with torch.inference_mode():
            results = self._module(torch.from_numpy(batch))
        found = results if isinstance(results, torch.Tensor) else list(results)[self._position]
        return np.asarray(found.numpy())

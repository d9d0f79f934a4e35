"""The weights of an ONNX model, run by onnxruntime on one thread. Runs inside Triton."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime


class Core:
    """`spec` names the input and the output (`input`, `output`) and the input's number of axes (`rank`)."""

    def __init__(self, weights: Path, spec: dict[str, Any]) -> None:
        options = onnxruntime.SessionOptions()
        # One thread an instance: the load says how much of the machine a service gets.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        self._input, self._output, self._rank = spec["input"], spec["output"], spec["rank"]
        for name, known in ((self._input, self._session.get_inputs()), (self._output, self._session.get_outputs())):
            if name not in {entry.name for entry in known}:
                raise ValueError(f"model.onnx has no '{name}'; it has {sorted(entry.name for entry in known)}")

    def scores(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(batch, labels) for what preprocessing gives."""
        if batch.dtype == np.object_:
            texts = [value.decode() for value in batch.reshape(-1)]
            batch = np.array(texts, dtype=np.object_).reshape((-1, 1)[: self._rank])
        (result,) = self._session.run([self._output], {self._input: batch})
        return np.asarray(result)

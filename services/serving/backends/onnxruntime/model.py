"""Python-based Triton backend `onnxruntime`: runs `model.onnx` of the version folder."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """One instance: a session of its own. Requests of one execution are one batch."""

    def initialize(self, args):
        config = json.loads(args["model_config"])
        threads = config.get("parameters", {}).get("intra_op_thread_count", {}).get("string_value", "1")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(threads)
        options.inter_op_num_threads = 1
        available = onnxruntime.get_available_providers()
        on_gpu = args["model_instance_kind"] == "GPU" and "CUDAExecutionProvider" in available
        providers = ["CUDAExecutionProvider", "CPUExecutionProvider"] if on_gpu else ["CPUExecutionProvider"]
        weights = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        self.session = onnxruntime.InferenceSession(str(weights), options, providers=providers)
        self.inputs = [entry["name"] for entry in config["input"]]
        self.outputs = [entry["name"] for entry in config["output"]]
        _require(self.inputs, {entry.name for entry in self.session.get_inputs()}, "inputs")
        _require(self.outputs, {entry.name for entry in self.session.get_outputs()}, "outputs")

    def execute(self, requests):
        given = [[_tensor(request, name) for name in self.inputs] for request in requests]
        columns = zip(self.inputs, zip(*given, strict=True), strict=True)
        batch = {name: np.concatenate(column) for name, column in columns}
        results = self.session.run(self.outputs, batch)
        ends = np.cumsum([len(row[0]) for row in given])[:-1]
        parts = zip(*[np.split(result, ends) for result in results], strict=True)
        return [
            pb_utils.InferenceResponse(
                [pb_utils.Tensor(name, np.ascontiguousarray(p)) for name, p in zip(self.outputs, part, strict=True)]
            )
            for part in parts
        ]


def _tensor(request, name):
    """onnxruntime takes texts as str, Triton gives bytes."""
    array = pb_utils.get_input_tensor_by_name(request, name).as_numpy()
    if array.dtype != np.object_:
        return array
    return np.array([value.decode() for value in array.reshape(-1)], dtype=np.object_).reshape(array.shape)


def _require(names, known, what):
    missing = sorted(set(names) - known)
    if missing:
        raise pb_utils.TritonModelException(f"model.onnx has no {what} {missing}; it has {sorted(known)}")

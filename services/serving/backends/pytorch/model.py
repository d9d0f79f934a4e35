"""Python-based Triton backend `pytorch`: runs `model.pt` (TorchScript) of the version folder.

Inputs and outputs are matched by position: `INPUT__0`, `OUTPUT__0`, …, the naming of Triton's own backend.
"""

import json
from pathlib import Path

import numpy as np
import torch
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """One instance: a module of its own. Requests of one execution are one batch."""

    def initialize(self, args):
        config = json.loads(args["model_config"])
        threads = config.get("parameters", {}).get("INTRA_OP_THREAD_COUNT", {}).get("string_value", "1")
        torch.set_num_threads(int(threads))
        on_gpu = args["model_instance_kind"] == "GPU" and torch.cuda.is_available()
        self.device = torch.device(f"cuda:{args['model_instance_device_id']}" if on_gpu else "cpu")
        weights = Path(args["model_repository"]) / args["model_version"] / "model.pt"
        self.module = torch.jit.load(str(weights), map_location=self.device).eval()
        self.inputs = sorted((entry["name"] for entry in config["input"]), key=_position)
        self.outputs = sorted((entry["name"] for entry in config["output"]), key=_position)

    def execute(self, requests):
        given = [[pb_utils.get_input_tensor_by_name(r, name).as_numpy() for name in self.inputs] for r in requests]
        batch = [torch.from_numpy(np.concatenate(column)).to(self.device) for column in zip(*given, strict=True)]
        with torch.inference_mode():
            results = self.module(*batch)
        found = [results] if isinstance(results, torch.Tensor) else list(results)
        ends = np.cumsum([len(row[0]) for row in given])[:-1]
        arrays = [found[_position(name)].cpu().numpy() for name in self.outputs]
        parts = zip(*[np.split(array, ends) for array in arrays], strict=True)
        return [
            pb_utils.InferenceResponse(
                [pb_utils.Tensor(name, np.ascontiguousarray(p)) for name, p in zip(self.outputs, part, strict=True)]
            )
            for part in parts
        ]


def _position(name):
    return int(name.rpartition("__")[2])

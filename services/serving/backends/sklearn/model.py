"""Python-based Triton backend `sklearn`: runs `model.skops` of the version folder.

The one input goes to `predict_proba` (batch × …; texts as str), the one output is its result (batch × labels). skops
loads scikit-learn's own types; the few others that fitted classifiers hold are listed here. A pickle is never loaded.
"""

import json
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils
from skops import io

TRUSTED = (
    "numpy.dtype",
    "scipy.sparse._csr.csr_array",
    "scipy.sparse._csr.csr_matrix",
)


class TritonPythonModel:
    """One instance. Requests of one execution are one batch."""

    def initialize(self, args):
        config = json.loads(args["model_config"])
        self.input, self.output = config["input"][0]["name"], config["output"][0]["name"]
        self.dtype = pb_utils.triton_string_to_numpy(config["output"][0]["data_type"])
        weights = Path(args["model_repository"]) / args["model_version"] / "model.skops"
        unknown = sorted(set(io.get_untrusted_types(file=weights)) - set(TRUSTED))
        if unknown:
            raise pb_utils.TritonModelException(f"model.skops holds types that are not trusted: {', '.join(unknown)}")
        self.estimator = io.load(weights, trusted=list(TRUSTED))
        if not hasattr(self.estimator, "predict_proba"):
            raise pb_utils.TritonModelException("model.skops has no predict_proba: expected a classifier that has it")

    def execute(self, requests):
        given = [_plain(pb_utils.get_input_tensor_by_name(request, self.input).as_numpy()) for request in requests]
        result = np.asarray(self.estimator.predict_proba(np.concatenate(given)), dtype=self.dtype)
        parts = np.split(result, np.cumsum([len(rows) for rows in given])[:-1])
        return [pb_utils.InferenceResponse([pb_utils.Tensor(self.output, np.ascontiguousarray(p))]) for p in parts]


def _plain(array):
    """Texts as str, one a row; Triton gives bytes."""
    if array.dtype != np.object_:
        return array
    return np.array([value.decode() for value in array.reshape(-1)], dtype=np.object_)

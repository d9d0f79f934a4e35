"""The weights of a scikit-learn classifier, stored by skops: a pickle is never loaded. Runs inside Triton."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from skops import io

TRUSTED = (
    "numpy.dtype",
    "scipy.sparse._csr.csr_array",
    "scipy.sparse._csr.csr_matrix",
)
"""Types beside scikit-learn's own that fitted classifiers hold."""


class Core:
    """`spec` is not needed: a classifier has one input and `predict_proba`."""

    def __init__(self, weights: Path, spec: dict[str, Any]) -> None:  # all cores are made alike
        unknown = sorted(set(io.get_untrusted_types(file=weights)) - set(TRUSTED))
        if unknown:
            raise ValueError(f"model.skops holds types that are not trusted: {', '.join(unknown)}")
        self._estimator = io.load(weights, trusted=list(TRUSTED))
        if not hasattr(self._estimator, "predict_proba"):
            raise ValueError("model.skops has no predict_proba: expected a classifier that has it")

    def scores(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(batch, labels) for what preprocessing gives."""
        rows: Any = batch
        if batch.dtype == np.object_:
            rows = np.array([value.decode() for value in batch.reshape(-1)], dtype=np.object_)
        return np.asarray(self._estimator.predict_proba(rows))

"""Exporters of trained models to forms that are safe to load: ONNX for networks, skops for scikit-learn.

torch, onnxruntime, scikit-learn and skops are imported when an exporter is called, not before.
"""

import logging
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ModelError

if TYPE_CHECKING:
    import numpy
    from sklearn.base import BaseEstimator
    from torch import Tensor
    from torch.nn import Module

ABSOLUTE_TOLERANCE = 1e-3
RELATIVE_TOLERANCE = 1e-3


def export_onnx(
    network: "Module", real: "Tensor", path: Path, *, input_name: str = "input", output_name: str = "logits"
) -> float:
    """Export a network with one input and one output to a single ONNX file with a free batch size, and check it.

    `real` is a batch of real inputs (batch × …, at least one). The exported file is run with onnxruntime on `real`,
    on random inputs of the same kind, and on a batch of another size. Returns the greatest absolute difference to
    torch; raises ModelError when outputs differ by more than 1e-3 absolute plus 1e-3 relative.
    """
    import torch

    network = network.to("cpu").eval()
    real = real.detach().to("cpu")
    example = real[:1].repeat(2, *[1] * (real.dim() - 1))
    # the exporter warns of optional packages and of torch's own deprecations, which the user cannot act on
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (example,),
            input_names=[input_name],
            output_names=[output_name],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    program.save(str(path), external_data=False)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn((5, *real.shape[1:]), generator=generator).to(real.dtype)
    return max(_compare_onnx(network, path, batch) for batch in (real, noise, real[:1]))


def _compare_onnx(network: "Module", path: Path, batch: "Tensor") -> float:
    import numpy
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        wanted = network(batch).numpy()
    (got,) = session.run(None, {session.get_inputs()[0].name: batch.numpy()})
    if wanted.shape != got.shape:
        raise ModelError(f"{path.name}: gives shape {got.shape}, torch gives {wanted.shape}")
    difference = float(numpy.abs(wanted - got).max())
    if not numpy.allclose(wanted, got, atol=ABSOLUTE_TOLERANCE, rtol=RELATIVE_TOLERANCE):
        raise ModelError(f"{path.name}: differs from torch by {difference:.3g}, expected at most {ABSOLUTE_TOLERANCE}")
    return difference


def export_sklearn(
    estimator: "BaseEstimator", real: "Sequence[str] | numpy.ndarray", path: Path, *, trusted: Sequence[str] = ()
) -> None:
    """Store a fitted estimator with skops and check that what is loaded predicts the same probabilities for `real`.

    `trusted` lists the types, beside those that skops trusts by itself, that a server has to accept. Raises
    ModelError naming the types when the model holds others.
    """
    import numpy
    from skops import io

    path.parent.mkdir(parents=True, exist_ok=True)
    io.dump(estimator, path, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
    unknown = sorted(set(io.get_untrusted_types(file=path)) - set(trusted))
    if unknown:
        path.unlink()
        raise ModelError(f"{path.name}: holds types that are not trusted: {', '.join(unknown)}")
    loaded = io.load(path, trusted=list(trusted))
    if not numpy.allclose(estimator.predict_proba(real), loaded.predict_proba(real)):
        raise ModelError(f"{path.name}: predicts other probabilities after loading")

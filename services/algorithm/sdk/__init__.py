"""SDK of the algorithm contract, version 1.

In a run it is the top-level package `modelyard_sdk`. Importing it loads neither torch nor scikit-learn.
"""

from .checkpoint import Checkpoint
from .context import Run, current, main
from .dataset import Dataset, Sample
from .errors import ContractError, DatasetError, ModelError, ParameterError, SampleError, Stopped
from .export import export_onnx, export_sklearn
from .metrics import Metrics
from .model import ImagePreprocessing, Model, Postprocessing, Tensor, TextPreprocessing
from .parameters import Parameters
from .report import ClassScore, Report, classification_report
from .version import CONTRACT, __version__

__all__ = [
    "CONTRACT",
    "Checkpoint",
    "ClassScore",
    "ContractError",
    "Dataset",
    "DatasetError",
    "ImagePreprocessing",
    "Metrics",
    "Model",
    "ModelError",
    "ParameterError",
    "Parameters",
    "Postprocessing",
    "Report",
    "Run",
    "Sample",
    "SampleError",
    "Stopped",
    "Tensor",
    "TextPreprocessing",
    "__version__",
    "classification_report",
    "current",
    "export_onnx",
    "export_sklearn",
    "main",
]

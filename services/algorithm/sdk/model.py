"""The model folder: `model.yaml` (`schemas/model-v1.schema.json`) beside the weights.

`model.yaml` tells a server all that it needs: tensors of the weights, what a user sends and gets, and the declarative
steps between the two, so that clients send an image or a text and never a tensor.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import ModelError
from .files import sha256, write_bytes
from .jsontypes import Json, JsonObject

FORMAT = "modelyard-model/1"
FRAMEWORKS = ("onnx", "torchscript", "sklearn")


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output of the weights; `dtype` as numpy names it or "string"; -1 in `shape` is any length."""

    name: str
    dtype: str
    shape: Sequence[int]


@dataclass(frozen=True, slots=True)
class ImagePreprocessing:
    """How an image becomes the tensor `tensor`: convert to `mode`, resize, times `scale`, minus `mean`, by `std`.

    `parameter` is the interface's parameter that carries the image; `mean` and `std` hold one number a channel, on
    the scaled values; `resample` is Pillow's filter; the tensor is `dtype` in `layout` with a leading batch axis.
    """

    parameter: str
    tensor: str
    width: int
    height: int
    mode: str
    mean: Sequence[float]
    std: Sequence[float]
    scale: float = 1 / 255
    resample: str = "bilinear"
    layout: str = "NCHW"
    dtype: str = "float32"
    kind: str = "image"


@dataclass(frozen=True, slots=True)
class TextPreprocessing:
    """The text of `parameter` goes into the tensor `tensor` as it is, one string a row."""

    parameter: str
    tensor: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Postprocessing:
    """How tensor `tensor` (batch × labels) becomes an answer.

    `kind` "softmax" turns logits into probabilities first, "probabilities" takes them as they are; the answer is
    `label` (the most probable), `confidence` and `probabilities` (a number for each label).
    """

    kind: str
    tensor: str


@dataclass(frozen=True)
class Model:
    """What to write into `model.yaml` beside the weights."""

    framework: str
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]
    labels: Sequence[str]
    preprocessing: ImagePreprocessing | TextPreprocessing
    postprocessing: Postprocessing
    metrics: dict[str, float]
    parameters_count: int = 0


def write_model(folder: Path, weights: Path, model: Model, *, interface: JsonObject, provenance: JsonObject) -> None:
    """Write `model.yaml` for `weights`, a file in `folder`.

    Raises ModelError for an unknown framework, weights elsewhere or empty, or a pickle under any name.
    """
    import yaml

    if model.framework not in FRAMEWORKS:
        raise ModelError(f"framework '{model.framework}': expected one of {', '.join(FRAMEWORKS)}")
    if weights.parent.resolve() != folder.resolve() or not weights.is_file() or not weights.stat().st_size:
        raise ModelError(f"weights '{weights}': expected a file with content in {folder}")
    if weights.suffix in {".pkl", ".pickle", ".joblib"}:
        raise ModelError(f"weights '{weights.name}': a pickle can run code when it is loaded, expected ONNX or skops")
    document: JsonObject = {
        "format": FORMAT,
        "framework": model.framework,
        "weights": weights.name,
        "sha256": sha256(weights),
        "bytes": weights.stat().st_size,
        "signature": {"inputs": _plain(model.inputs), "outputs": _plain(model.outputs)},
        "interface": interface,
        "labels": [str(label) for label in model.labels],
        "preprocessing": _fields(model.preprocessing),
        "postprocessing": _fields(model.postprocessing),
        "metrics": {name: float(value) for name, value in model.metrics.items()},
        "parameter_count": model.parameters_count,
        "provenance": provenance,
    }
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
    write_bytes(folder / "model.yaml", text.encode("utf-8"))


def _plain(tensors: Sequence[Tensor]) -> list[Json]:
    return [_fields(tensor) for tensor in tensors]


def _fields(part: Tensor | ImagePreprocessing | TextPreprocessing | Postprocessing) -> JsonObject:
    def plain(value: object) -> Json:
        if isinstance(value, tuple | list):
            return [plain(entry) for entry in value]
        return value if isinstance(value, str | int | float) else str(value)

    return {name: plain(value) for name, value in asdict(part).items()}

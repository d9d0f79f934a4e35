"""`model.yaml` of a model folder, parsed and checked as far as serving needs it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import yaml

from services.serving.domain import ModelRejected

FORMAT = "modelyard-model/1"
FRAMEWORKS = ("onnx", "torchscript", "sklearn")
DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "string")
MAX_BYTES = 4 * 2**20

Fields: TypeAlias = Mapping[str, object]


@dataclass(frozen=True)
class Tensor:
    """An input or output of the weights; `shape` begins with the batch axis, -1 is any length."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class ImageStep:
    """From an image file to the tensor `tensor`; see `entries/steps/preprocessing.py`."""

    parameter: str
    tensor: str
    width: int
    height: int
    mode: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: float
    resample: str
    layout: str
    dtype: str
    kind: str = "image"


@dataclass(frozen=True)
class TextStep:
    """The text of `parameter` is the tensor `tensor`."""

    parameter: str
    tensor: str
    kind: str = "text"


@dataclass(frozen=True)
class ModelFile:
    """What a server has to know of a model."""

    framework: str
    weights: str
    sha256: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    labels: tuple[str, ...]
    preprocessing: ImageStep | TextStep
    scores: str
    scores_kind: str

    @property
    def scores_tensor(self) -> Tensor:
        return next(tensor for tensor in self.outputs if tensor.name == self.scores)


def parse_model(path: Path) -> ModelFile:
    """Read `model.yaml`. Raises ModelRejected naming the field and what was expected."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelRejected(f"model.yaml is larger than {MAX_BYTES} bytes")
        document = yaml.safe_load(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelRejected("The model folder has no model.yaml.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ModelRejected(f"model.yaml is not YAML: {error}") from error
    root = _object(document, "model.yaml")
    _choice(root, "format", (FORMAT,))
    signature = _object(root.get("signature"), "signature")
    steps = _object(root.get("postprocessing"), "postprocessing")
    model = ModelFile(
        framework=_choice(root, "framework", FRAMEWORKS),
        weights=_text(root, "weights"),
        sha256=_text(root, "sha256"),
        inputs=_tensors(signature.get("inputs"), "signature.inputs"),
        outputs=_tensors(signature.get("outputs"), "signature.outputs"),
        labels=_labels(root.get("labels")),
        preprocessing=_preprocessing(_object(root.get("preprocessing"), "preprocessing")),
        scores=_text(steps, "tensor", "postprocessing."),
        scores_kind=_choice(steps, "kind", ("softmax", "probabilities"), "postprocessing."),
    )
    _require_consistent(model)
    return model


def _require_consistent(model: ModelFile) -> None:
    if Path(model.weights).name != model.weights or model.weights.startswith("."):
        raise ModelRejected(f"weights: expected the name of a file in the folder, got '{model.weights}'")
    names = [tensor.name for tensor in model.inputs]
    if names != [model.preprocessing.tensor]:
        raise ModelRejected(f"signature.inputs: expected one, '{model.preprocessing.tensor}', got {names}")
    if model.scores not in {tensor.name for tensor in model.outputs}:
        raise ModelRejected(f"postprocessing.tensor: '{model.scores}' is not among signature.outputs")
    shape = model.scores_tensor.shape
    if len(shape) != 2 or shape[1] not in (-1, len(model.labels)):
        raise ModelRejected(
            f"signature.outputs: '{model.scores}' has shape {list(shape)}, expected [-1, {len(model.labels)}]"
        )
    if model.framework == "sklearn" and len(model.outputs) != 1:
        raise ModelRejected("signature.outputs: expected one for a scikit-learn model")
    step, taken = model.preprocessing, model.inputs[0]
    if isinstance(step, ImageStep):
        channels = len(step.mean)
        size = (step.height, step.width)
        expected = (channels, *size) if step.layout == "NCHW" else (*size, channels)
        fits = len(taken.shape) == 4 and all(a in (-1, b) for a, b in zip(taken.shape[1:], expected, strict=True))
        if not fits or taken.dtype != step.dtype:
            raise ModelRejected(
                f"signature.inputs: '{taken.name}' is {taken.dtype} {list(taken.shape)}, but preprocessing gives "
                f"{step.dtype} [-1, {', '.join(map(str, expected))}]"
            )
    elif taken.dtype != "string" or taken.shape[1:] not in ((), (1,)):
        raise ModelRejected(f"signature.inputs: '{taken.name}': expected string [-1] for a text")


def _preprocessing(fields: Fields) -> ImageStep | TextStep:
    where = "preprocessing."
    kind = _choice(fields, "kind", ("image", "text"), where)
    parameter, tensor = _text(fields, "parameter", where), _text(fields, "tensor", where)
    if kind == "text":
        return TextStep(parameter, tensor)
    mode = _choice(fields, "mode", ("L", "RGB"), where)
    channels = 1 if mode == "L" else 3
    return ImageStep(
        parameter,
        tensor,
        width=_size(fields, "width"),
        height=_size(fields, "height"),
        mode=mode,
        mean=_numbers(fields, "mean", channels),
        std=_numbers(fields, "std", channels, nonzero=True),
        scale=_number(fields.get("scale", 1 / 255), f"{where}scale"),
        resample=_choice({"resample": "bilinear", **fields}, "resample", ("nearest", "bilinear", "bicubic", "lanczos")),
        layout=_choice({"layout": "NCHW", **fields}, "layout", ("NCHW", "NHWC"), where),
        dtype=_choice({"dtype": "float32", **fields}, "dtype", ("float32", "float16", "float64"), where),
    )


def _tensors(value: object, where: str) -> tuple[Tensor, ...]:
    found = []
    for at, entry in enumerate(_sequence(value, where)):
        fields, place = _object(entry, f"{where}[{at}]"), f"{where}[{at}]."
        shape = _sequence(fields.get("shape"), f"{place}shape")
        if not all(isinstance(n, int) and not isinstance(n, bool) and (n == -1 or n > 0) for n in shape):
            raise ModelRejected(f"{place}shape: expected whole numbers above 0, or -1 for any length")
        axes = tuple(int(str(n)) for n in shape)
        if axes[0] != -1:
            raise ModelRejected(f"{place}shape: expected -1 (the batch) first, got {list(axes)}")
        found.append(Tensor(_text(fields, "name", place), _choice(fields, "dtype", DTYPES, place), axes))
    return tuple(found)


def _labels(value: object) -> tuple[str, ...]:
    labels = _sequence(value, "labels")
    if not all(isinstance(label, str) and label for label in labels) or len(set(map(str, labels))) != len(labels):
        raise ModelRejected("labels: expected different, non-empty texts")
    return tuple(map(str, labels))


def _object(value: object, where: str) -> Fields:
    if not isinstance(value, Mapping):
        raise ModelRejected(f"{where}: expected an object, got {type(value).__name__}")
    return value


def _sequence(value: object, where: str) -> Sequence[object]:
    if not isinstance(value, list) or not value:
        raise ModelRejected(f"{where}: expected a list with at least one entry")
    return value


def _text(fields: Fields, key: str, where: str = "") -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not value:
        raise ModelRejected(f"{where}{key}: expected a text, got {value!r}")
    return value


def _choice(fields: Fields, key: str, allowed: tuple[str, ...], where: str = "") -> str:
    value = fields.get(key)
    if not isinstance(value, str) or value not in allowed:
        raise ModelRejected(f"{where}{key}: expected one of {', '.join(allowed)}, got {value!r}")
    return value


def _size(fields: Fields, key: str) -> int:
    value = fields.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 8192:
        raise ModelRejected(f"preprocessing.{key}: expected a whole number from 1 to 8192, got {value!r}")
    return value


def _number(value: object, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ModelRejected(f"{where}: expected a number, got {value!r}")
    return float(value)


def _numbers(fields: Fields, key: str, count: int, *, nonzero: bool = False) -> tuple[float, ...]:
    where = f"preprocessing.{key}"
    numbers = tuple(_number(value, where) for value in _sequence(fields.get(key), where))
    if len(numbers) != count or (nonzero and not all(numbers)):
        raise ModelRejected(f"{where}: expected {count} number(s){' other than 0' if nonzero else ''}, one a channel")
    return numbers

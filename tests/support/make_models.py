"""Makes small model folders; run by the runtime environment's python: `make_models.py FOLDER`.

`colours` (ONNX) and `colours-torch` (TorchScript) tell red, green and blue images apart by the mean of their channels;
`greetings` (scikit-learn) tells English from Chinese greetings.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from services.algorithm.sdk.export import export_sklearn
from services.algorithm.sdk.model import (
    ImagePreprocessing,
    Model,
    Postprocessing,
    Tensor,
    TextPreprocessing,
    write_model,
)

SIZE = 8
COLOURS = ("red", "green", "blue")


def image_model(framework: str) -> Model:
    return Model(
        framework=framework,
        inputs=[Tensor("input", "float32", [-1, 3, SIZE, SIZE])],
        outputs=[Tensor("logits", "float32", [-1, 3])],
        labels=COLOURS,
        preprocessing=ImagePreprocessing("image", "input", SIZE, SIZE, "RGB", [0.5] * 3, [0.25] * 3),
        postprocessing=Postprocessing("softmax", "logits"),
        metrics={"accuracy": 1.0},
    )


def make_onnx(path: Path) -> None:
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
            helper.make_node("Reshape", ["pooled", "shape"], ["logits"]),
        ],
        "colours",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(np.array([-1, 3], np.int64), "shape")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)


class Colours(torch.nn.Module):  # type: ignore[misc]  # torch is not in the platform environment
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image.mean(dim=(2, 3))


def make_torchscript(path: Path) -> None:
    torch.jit.script(Colours()).save(str(path))


def make_sklearn(folder: Path) -> None:
    english = ["hello", "good morning", "good evening", "how are you"]
    chinese = ["你好", "早上好", "晚上好", "你好吗"]
    pipeline = make_pipeline(CountVectorizer(analyzer="char"), MultinomialNB())
    pipeline.fit(english + chinese, ["english"] * 4 + ["chinese"] * 4)
    export_sklearn(pipeline, english, folder / "model.skops")
    model = Model(
        framework="sklearn",
        inputs=[Tensor("text", "string", [-1])],
        outputs=[Tensor("probabilities", "float64", [-1, 2])],
        labels=[str(label) for label in pipeline.classes_],
        preprocessing=TextPreprocessing("text", "text"),
        postprocessing=Postprocessing("probabilities", "probabilities"),
        metrics={},
    )
    write_model(folder, folder / "model.skops", model, interface={}, provenance={})


def main(target: Path) -> None:
    for name, framework, weights, make in (
        ("colours", "onnx", "model.onnx", make_onnx),
        ("colours-torch", "torchscript", "model.pt", make_torchscript),
    ):
        folder = target / name
        folder.mkdir(parents=True)
        make(folder / weights)
        write_model(folder, folder / weights, image_model(framework), interface={}, provenance={})
    (target / "greetings").mkdir()
    make_sklearn(target / "greetings")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

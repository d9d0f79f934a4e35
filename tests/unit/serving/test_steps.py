"""What runs inside Triton, tried outside of it."""

import base64
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.serving.entries.steps import preprocessing
from services.serving.entries.steps.postprocessing import BadOutput, answers
from services.serving.entries.steps.preprocessing import BadInput, ImageStep, TextStep, decode, step_from
from services.serving.handlers import canary
from tests.support.images import png

STEP = ImageStep(4, 2, "RGB", (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 1 / 255, "bilinear", "NCHW", "float32")


def test_pixels_are_scaled_normalised_and_ordered() -> None:
    tensor = STEP.tensor([png((255, 0, 127))])
    assert tensor.shape == (1, 3, 2, 4)
    assert tensor.dtype == np.float32
    assert np.allclose(tensor[0, :, 0, 0], [2, -2, (127 / 255 - 0.5) / 0.25], atol=1e-5)


def test_channels_last_and_grey() -> None:
    spec = {"kind": "image", "width": 3, "height": 5, "mode": "L", "mean": [0.0], "std": [1.0], "scale": 1.0,
            "resample": "nearest", "layout": "NHWC", "dtype": "float64"}  # fmt: skip
    tensor = step_from(spec).tensor([png((255, 255, 255))] * 2)
    assert tensor.shape == (2, 5, 3, 1)
    assert float(tensor.max()) == float(tensor.min()) == 255.0


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_kind_of_picture_is_converted(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.new(mode, (9, 7)).save(path)
    assert STEP.tensor([path.read_bytes()]).shape == (1, 3, 2, 4)


def test_the_row_at_fault_is_named() -> None:
    with pytest.raises(BadInput, match=r"^\[1\]: is not a decodable image"):
        STEP.tensor([png((0, 0, 0)), b"no image"])


def test_a_decompression_bomb_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = png((0, 0, 0), size=(100, 100))
    monkeypatch.setattr(preprocessing, "MAX_PIXELS", 9_999)
    with pytest.raises(BadInput, match="100×100 pixels"):
        decode(bomb, "RGB")


@given(st.binary(max_size=300), st.integers(0, 80))
def test_damaged_files_are_bad_inputs_and_nothing_else(noise: bytes, kept: int) -> None:
    for content in (noise, png((1, 2, 3))[:kept] + noise):
        try:
            decode(content, "RGB")
        except BadInput as error:
            assert "expected" in str(error)


@given(st.binary(max_size=50))
def test_texts_are_taken_as_they_are_or_refused(value: bytes) -> None:
    try:
        assert TextStep().tensor([value])[0, 0] == value
    except BadInput as error:
        assert "expected" in str(error)


def test_logits_become_probabilities() -> None:
    found = answers(np.array([[0.0, math.log(3)], [1000.0, 0.0]], np.float32), "softmax", ("a", "b"))
    assert np.allclose(found.probabilities, np.array([[0.25, 0.75], [1, 0]]))
    assert found.labels.tolist() == [[b"b"], [b"a"]]
    assert np.allclose(found.confidence, np.array([[0.75], [1]]))


def test_probabilities_stay_as_they_are() -> None:
    found = answers(np.array([[0.2, 0.8]]), "probabilities", ("甲", "乙"))
    assert np.allclose(found.probabilities, np.array([[0.2, 0.8]]))
    assert found.labels[0, 0].decode() == "乙"


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        (np.array([[np.nan, 1.0]]), "not finite"),
        (np.array([[0.1, 0.2, 0.7]]), r"shape \[1, 3\]; expected \[batch, 2\]"),
        (np.array([0.1, 0.9]), "expected"),
        (np.array([[-2.0, 3.0]]), "outside 0 to 1"),
    ],
)
def test_scores_that_are_no_answer_are_refused(scores: npt.NDArray[np.float64], told: str) -> None:
    with pytest.raises(BadOutput, match=told):
        answers(scores, "probabilities", ("a", "b"))


def test_the_images_that_are_tried_before_a_service_runs_are_images() -> None:
    assert decode(canary.IMAGE, "RGB").size == (8, 8)
    for path in (Path(__file__).parents[3] / "services/algorithm/builtin").glob("*/algorithm.yaml"):
        for parameter in yaml.safe_load(path.read_text("utf-8"))["inference"]["interface"]["parameters"]:
            if parameter["type"] == "image":
                assert decode(base64.b64decode(parameter["test_value"]), "RGB").width >= 1

"""Both presets trained by hand on the demonstration data, and their models used as `model.yaml` describes."""

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from services.algorithm.packaging import BUILTIN_FOLDER, SDK_FOLDER
from services.gateway.demo_data import write_digits, write_titles
from tests.runtime.conftest import ROOT

CLASSIFY_IMAGES = """
import json, pathlib, sys
import numpy, onnxruntime, yaml
from PIL import Image
model, images = map(pathlib.Path, sys.argv[1:])
card = yaml.safe_load((model / "model.yaml").read_text())
steps = card["preprocessing"]
session = onnxruntime.InferenceSession(str(model / card["weights"]))
right = []
for path in images.glob("*/*.png"):
    image = Image.open(path).convert(steps["mode"])
    image = image.resize((steps["width"], steps["height"]), Image.Resampling[steps["resample"].upper()])
    tensor = numpy.asarray(image, dtype=steps["dtype"]).reshape(steps["height"], steps["width"], -1) * steps["scale"]
    tensor = ((tensor - steps["mean"]) / steps["std"]).transpose(2, 0, 1)[None].astype(steps["dtype"])
    (logits,) = session.run([card["postprocessing"]["tensor"]], {steps["tensor"]: tensor})
    right.append(card["labels"][int(logits.argmax())] == path.parent.name)
print(json.dumps([len(right), sum(right) / len(right)]))
"""

CLASSIFY_TEXTS = """
import json, pathlib, sys
import yaml
from skops import io
model = pathlib.Path(sys.argv[1])
card = yaml.safe_load((model / "model.yaml").read_text())
weights = model / card["weights"]
loaded = io.load(weights, trusted=[])
labels = [card["labels"][row.argmax()] for row in loaded.predict_proba(sys.argv[2:])]
print(json.dumps([io.get_untrusted_types(file=weights), labels]))
"""

pytestmark = pytest.mark.timeout(900)  # training shares the processors with everything else


def train(python: str, preset: str, dataset: Path, output: Path) -> dict[str, float]:
    command = [python, "-m", "services.algorithm.sdk.run", str(BUILTIN_FOLDER / preset)]
    command += ["--dataset", str(dataset), "--output", str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "accuracy 0." in done.stdout or "accuracy 1." in done.stdout
    for name, path in (("report", output / "report.json"), ("model", output / "model" / "model.yaml")):
        schema = json.loads((SDK_FOLDER / "schemas" / f"{name}-v1.schema.json").read_text(encoding="utf-8"))
        jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), schema)
    overall: dict[str, float] = json.loads((output / "report.json").read_text(encoding="utf-8"))["overall"]
    return overall


def ask(python: str, code: str, *arguments: str) -> list[object]:
    done = subprocess.run([python, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: list[object] = json.loads(done.stdout)
    return answer


def test_digits_reach_095_and_the_onnx_model_knows_unseen_ones(python: str, tmp_path: Path) -> None:
    write_digits(tmp_path / "digits", tmp_path / "unseen")
    overall = train(python, "image_classification", tmp_path / "digits", tmp_path / "out")
    assert overall["accuracy"] >= 0.95
    count, accuracy = ask(python, CLASSIFY_IMAGES, str(tmp_path / "out" / "model"), str(tmp_path / "unseen"))
    assert count == 47
    assert isinstance(accuracy, float)
    assert accuracy >= 0.9


def test_chinese_titles_reach_084_and_the_model_loads_without_extra_trust(python: str, tmp_path: Path) -> None:
    write_titles(tmp_path / "titles" / "train", tmp_path / "titles" / "test")
    overall = train(python, "text_naive_bayes", tmp_path / "titles", tmp_path / "out")
    assert overall["accuracy"] >= 0.84
    titles = ["考研英语阅读复习指南", "中国女排三比零战胜对手夺得冠军"]
    untrusted, labels = ask(python, CLASSIFY_TEXTS, str(tmp_path / "out" / "model"), *titles)
    assert untrusted == []
    assert labels == ["education", "sports"]


@pytest.mark.parametrize("characters", ["0", "2"])
def test_english_texts_are_told_apart_by_words(python: str, tmp_path: Path, characters: str) -> None:
    words = {"fruit": ["apple", "pear", "plum"], "tool": ["hammer", "saw", "drill"]}
    for name, choices in words.items():
        for at in range(12):
            path = tmp_path / "texts" / name / f"{at}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"I bought a {choices[at % 3]} and a {choices[(at + 1) % 3]}", encoding="utf-8")
    command = [python, "-m", "services.algorithm.sdk.run", str(BUILTIN_FOLDER / "text_naive_bayes"), "--param"]
    command += [f"char_ngram_max={characters}", "--dataset", str(tmp_path / "texts"), "--output", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["overall"]["accuracy"] == 1.0

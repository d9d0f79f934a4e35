"""Presets in a packed folder: bad input, stop and resume."""

import json
import random
import signal
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests.runtime.conftest import Packer
from tests.support.polling import eventually

pytestmark = pytest.mark.timeout(900)  # training shares the processors with everything else


def squares(folder: Path, count: int, mode: str = "RGB", suffix: str = "png") -> Path:
    """Write `count` noisy images of each of two classes, dark and light, of various sizes."""
    generator = random.Random(1)
    for name, level in (("dark", 40), ("light", 200)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for at in range(count):
            image = Image.new(mode, (generator.randint(5, 40), generator.randint(5, 40)))
            channels = len(image.getbands())
            size = image.width * image.height * channels
            image.frombytes(bytes(level + generator.randint(-30, 30) for _ in range(size)))
            image.save(folder / name / f"{at}.{suffix}")
    return folder


def test_undecodable_images_are_counted_and_the_rest_is_trained_on(packed: Packer, tmp_path: Path) -> None:
    images = squares(tmp_path / "images", 12)
    (images / "dark" / "text.png").write_text("no image", encoding="utf-8")
    whole = (images / "light" / "0.png").read_bytes()
    (images / "light" / "0.png").write_bytes(whole[: len(whole) // 2])
    run = packed("image_classification", images, epochs=4, img_size=8, batch_size=8)
    done = run.run()
    assert done.returncode == 0, done.stderr
    assert "set aside: sample 'data/dark/text.png': not a decodable image" in done.stdout
    counts = run.report()["counts"]
    assert isinstance(counts, dict)
    assert counts["non_compliant"] == 2
    assert run.points("non_compliant") == [2.0]
    assert len(run.points("accuracy")) == 4
    assert run.points("progress")[-1] == 1.0


def test_a_set_without_any_image_is_refused(packed: Packer, tmp_path: Path) -> None:
    for at in range(4):
        path = tmp_path / "images" / "ab"[at % 2] / f"{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("no image", encoding="utf-8")
    done = packed("image_classification", tmp_path / "images").run()
    assert done.returncode == 2
    assert "error: no usable image with split 'train': expected at least one that decodes" in done.stderr


@pytest.mark.parametrize(("mode", "suffix"), [("RGB", "jpg"), ("L", "png")])
def test_two_samples_a_class_are_enough(packed: Packer, tmp_path: Path, mode: str, suffix: str) -> None:
    images = squares(tmp_path / "images", 2, mode, suffix)
    done = packed("image_classification", images, epochs=1, img_size=96).run()
    assert done.returncode == 0, done.stderr
    assert f"2 + 2 images, {mode} 96×96" in done.stdout


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("epochs", "many", "parameter 'epochs': expected an integer, at least 1, at most 10000, got \"many\""),
        ("lr_policy", "step", 'parameter \'lr_policy\': expected one of "fixed", "exp", "inv", "poly", got "step"'),
        ("learning_rate", 0.1, "parameter 'learning_rate': unknown, expected one of: epochs, batch_size"),
        ("base_lr", 100, "parameter 'base_lr': the loss is"),
    ],
)
def test_a_wrong_parameter_is_named(
    packed: Packer, tmp_path: Path, parameter: str, value: float | str, message: str
) -> None:
    parameters = {"img_size": 8, "epochs": 30, "weight_decay": 1, "lr_policy": "fixed", parameter: value}
    done = packed("image_classification", squares(tmp_path / "images", 8), **parameters).run()
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_manifest_that_leaves_the_folder_is_refused(packed: Packer, tmp_path: Path) -> None:
    run = packed("image_classification", squares(tmp_path / "images", 2))
    manifest = Path(run.environment["MODELYARD_DATASET"]) / "manifest.json"
    document = json.loads(manifest.read_text(encoding="utf-8"))
    document["samples"][1]["path"] = "../images/dark/0.png"
    manifest.write_text(json.dumps(document), encoding="utf-8")
    done = run.run()
    assert done.returncode == 2
    assert "samples[1].path: '../images/dark/0.png' leaves the data set's folder" in done.stderr


def test_texts_for_the_image_algorithm_are_refused(packed: Packer, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / "texts" / name).mkdir(parents=True)
        (tmp_path / "texts" / name / "1.txt").write_text("text", encoding="utf-8")
    done = packed("image_classification", tmp_path / "texts").run()
    assert done.returncode == 2
    assert "error: the data set holds 'text' samples, expected 'image'" in done.stderr


def test_a_text_set_without_ngrams_is_refused(packed: Packer, tmp_path: Path) -> None:
    for at in range(4):
        path = tmp_path / "texts" / "ab"[at % 2] / f"{at}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("some text", encoding="utf-8")
    done = packed("text_naive_bayes", tmp_path / "texts", min_df=1000).run()
    assert done.returncode == 2
    assert "parameters 'char_ngram_max', 'word_ngram_max', 'min_df': no n-gram" in done.stderr


def test_a_stopped_run_resumes_and_ends_as_the_uninterrupted_one(packed: Packer, tmp_path: Path) -> None:
    images = squares(tmp_path / "images", 30)
    parameters = {"epochs": 60, "img_size": 8, "batch_size": 8}
    whole = packed("image_classification", images, "whole", **parameters)
    assert whole.run().returncode == 0

    broken = packed("image_classification", images, "broken", **parameters)
    with subprocess.Popen(broken.command(), cwd=broken.folder, env=broken.environment) as process:
        eventually(lambda: broken.points("accuracy"), timeout=60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 143
    assert not (broken.output / "report.json").exists()
    assert len(list(Path(broken.environment["MODELYARD_CHECKPOINT"]).iterdir())) == 1

    done = broken.run()
    assert done.returncode == 0, done.stderr
    assert "resumed at iteration" in done.stdout
    assert broken.report() == whole.report()

"""Evaluation report: scores by hand, worst samples, schema."""

import json
from pathlib import Path

import jsonschema
import pytest

from services.algorithm.packaging import SDK_FOLDER
from services.algorithm.sdk.dataset import Dataset
from services.algorithm.sdk.errors import DatasetError
from services.algorithm.sdk.jsontypes import Json
from services.algorithm.sdk.report import classification_report


def dataset(folder: Path, truths: list[str]) -> Dataset:
    samples: list[Json] = [{"text": f"text {at}", "class": name, "split": "test"} for at, name in enumerate(truths)]
    manifest = {"format": "modelyard/1", "kind": "text", "classes": ["a", "b", "c"], "samples": samples}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return Dataset.open(folder)


def test_scores_match_those_by_hand(tmp_path: Path) -> None:
    data = dataset(tmp_path, ["a", "a", "a", "b"])
    report = classification_report(data, list(data.samples()), [0, 0, 1, 1], [0.9, 0.8, 0.7, 0.6], trained=9)
    assert report.confusion == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert report.accuracy == 0.75
    first, second, absent = report.per_class
    assert [first.precision, first.recall, first.f1, first.support] == pytest.approx([1.0, 2 / 3, 0.8, 3])
    assert [second.precision, second.recall, second.f1] == pytest.approx([0.5, 1.0, 2 / 3])
    assert (absent.precision, absent.recall, absent.f1, absent.support) == (0.0, 0.0, 0.0, 0)
    # the class that occurs nowhere does not pull the macro average down
    assert report.precision == pytest.approx(0.75)
    assert report.recall == pytest.approx(5 / 6)


def test_the_file_fits_its_schema_and_lists_the_surest_mistakes_first(tmp_path: Path) -> None:
    data = dataset(tmp_path, ["a"] * 60)
    confidence = [at / 100 for at in range(60)]
    classification_report(data, list(data.samples()), [1] * 60, confidence, trained=1).write(tmp_path / "out")
    document = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    schema = json.loads((SDK_FOLDER / "schemas" / "report-v1.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, schema)
    assert len(document["worst"]) == 50
    assert document["worst"][0] == {"class": "a", "predicted": "b", "confidence": 0.59, "text": "text 59"}
    assert document["counts"] == {"train": 1, "test": 60, "non_compliant": 0}


def test_misjudged_files_are_copied(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_text("text", encoding="utf-8")
    samples = [{"path": "1.txt", "class": "a", "split": "test"}]
    manifest = {"format": "modelyard/1", "kind": "text", "classes": ["a", "b"], "samples": samples}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    data = Dataset.open(tmp_path)
    classification_report(data, list(data.samples()), [1], [0.5], trained=1).write(tmp_path / "out")
    entry = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["worst"][0]
    assert (tmp_path / "out" / entry["sample"]).read_text(encoding="utf-8") == "text"


def test_nothing_to_judge_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no usable test sample"):
        classification_report(dataset(tmp_path, ["a"]), [], [], [], trained=1)

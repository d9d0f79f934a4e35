"""Evaluation report of a classification (`schemas/report-v1.schema.json`).

Precision of a class is TP / (TP + FP), recall TP / (TP + FN), F1 their harmonic mean; a quotient by zero is 0. The
overall precision, recall and F1 are macro averages: the plain mean over the classes that occur among the truths or
the predictions, as scikit-learn's `average="macro"`. Accuracy is the share of right predictions.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .dataset import Dataset, Sample
from .errors import DatasetError
from .files import write_json
from .jsontypes import Json, JsonObject

FORMAT = "modelyard-report/1"
WORST = 50


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Scores of one class, each from 0 to 1; `support` is its number of evaluated samples."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Report:
    """A finished evaluation; `confusion[t][p]` counts samples of class t that were predicted as p."""

    classes: list[str]
    accuracy: float
    precision: float
    recall: float
    f1: float
    per_class: list[ClassScore]
    confusion: list[list[int]]
    worst: list[tuple[Sample, int, float]]
    train: int
    test: int
    non_compliant: int

    def overall(self) -> dict[str, float]:
        """Return accuracy and the macro averages by name."""
        return {"accuracy": self.accuracy, "precision": self.precision, "recall": self.recall, "f1": self.f1}

    def write(self, output: Path) -> None:
        """Write `report.json` into `output`, and copies of the worst samples that are files to `samples/`."""
        overall: JsonObject = {**self.overall()}
        document: JsonObject = {
            "format": FORMAT,
            "task": "classification",
            "classes": [*self.classes],
            "overall": overall,
            "per_class": [
                {"class": s.name, "precision": s.precision, "recall": s.recall, "f1": s.f1, "support": s.support}
                for s in self.per_class
            ],
            "confusion_matrix": [[*row] for row in self.confusion],
            "worst": [self._misjudged(rank, output) for rank in range(len(self.worst))],
            "counts": {"train": self.train, "test": self.test, "non_compliant": self.non_compliant},
        }
        write_json(output / "report.json", document)

    def _misjudged(self, rank: int, output: Path) -> Json:
        sample, predicted, confidence = self.worst[rank]
        entry: JsonObject = {
            "class": sample.class_name,
            "predicted": self.classes[predicted],
            "confidence": confidence,
        }
        if sample.path is None:
            entry["text"] = sample.text
            return entry
        copy = f"samples/{rank + 1:04d}{Path(sample.path).suffix.lower()}"
        (output / "samples").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sample.file(), output / copy)
        entry.update({"path": sample.path, "sample": copy})
        return entry


def classification_report(
    dataset: Dataset, samples: Sequence[Sample], predicted: Sequence[int], confidence: Sequence[float], *, trained: int
) -> Report:
    """Judge predictions (class indices, with confidences from 0 to 1) of `samples` against their classes.

    `trained` is the number of samples that the model learnt from. Raises DatasetError when there is nothing to judge.
    """
    if not samples:
        raise DatasetError("no usable test sample: expected at least one sample with split 'test'")
    size = len(dataset.classes)
    confusion = [[0] * size for _ in range(size)]
    for sample, answer in zip(samples, predicted, strict=True):
        confusion[sample.label][answer] += 1
    scores = [_score(name, at, confusion) for at, name in enumerate(dataset.classes)]
    seen = [s for at, s in enumerate(scores) if s.support or any(row[at] for row in confusion)]
    wrong = [
        (sample, int(answer), float(certainty))
        for sample, answer, certainty in zip(samples, predicted, confidence, strict=True)
        if sample.label != answer
    ]
    wrong.sort(key=lambda case: -case[2])
    return Report(
        classes=dataset.classes,
        accuracy=1 - len(wrong) / len(samples),
        precision=sum(s.precision for s in seen) / len(seen),
        recall=sum(s.recall for s in seen) / len(seen),
        f1=sum(s.f1 for s in seen) / len(seen),
        per_class=scores,
        confusion=confusion,
        worst=wrong[:WORST],
        train=trained,
        test=len(samples),
        non_compliant=len(dataset.non_compliant),
    )


def _score(name: str, at: int, confusion: list[list[int]]) -> ClassScore:
    hits, support = confusion[at][at], sum(confusion[at])
    answers = sum(row[at] for row in confusion)
    precision = hits / answers if answers else 0.0
    recall = hits / support if support else 0.0
    f1 = 2 * hits / (answers + support) if answers + support else 0.0
    return ClassScore(name, precision, recall, f1, support)

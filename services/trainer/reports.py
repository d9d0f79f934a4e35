"""The report that an algorithm wrote, as the message that users read."""

from collections.abc import Mapping
from typing import cast

from protos.trainer.v1 import report_pb2
from services.trainer.parameters import Json

MAX_WORST = 50


def to_report(document: Mapping[str, Json]) -> report_pb2.Report:
    """From `report.json` (see the schema in the algorithm SDK)."""
    counts = cast("dict[str, int]", document.get("counts") or {})
    report = report_pb2.Report(
        task=str(document.get("task", "")),
        classes=[str(name) for name in cast("list[Json]", document["classes"])],
        overall=_scores(cast("dict[str, float]", document["overall"])),
        train_samples=int(counts.get("train", 0)),
        test_samples=int(counts.get("test", 0)),
        non_compliant=int(counts.get("non_compliant", 0)),
    )
    for row in cast("list[dict[str, Json]]", document.get("per_class") or []):
        report.per_class.add(
            class_name=str(row["class"]),
            precision=float(cast("float", row["precision"])),
            recall=float(cast("float", row["recall"])),
            f1=float(cast("float", row["f1"])),
            support=int(cast("int", row["support"])),
        )
    for counts_row in cast("list[list[int]]", document.get("confusion_matrix") or []):
        report.confusion_matrix.add(counts=counts_row)
    for sample in cast("list[dict[str, Json]]", document.get("worst") or [])[:MAX_WORST]:
        report.worst.add(
            path=str(sample.get("path") or ""),
            text=str(sample.get("text") or ""),
            class_name=str(sample["class"]),
            predicted=str(sample["predicted"]),
            confidence=float(cast("float", sample["confidence"])),
        )
    return report


def _scores(values: Mapping[str, float]) -> report_pb2.Scores:
    return report_pb2.Scores(**{name: float(values[name]) for name in ("accuracy", "precision", "recall", "f1")})

"""An algorithm whose runs stay in each phase for as long as a test wants. It is uploaded as it stands.

Parameters: `seconds` of work; `hold`: go on until a file `release` lies in the work folder; `points` and `files` to
leave at the end; `prefix` of the model's labels `<prefix>-<colour>`.
"""

import base64
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

COLOURS = ("red", "green", "blue")
RELEASE = "release"

# The model `colours` of tests/support/make_models.py: the mean of each channel is the logit of its colour.
ONNX = (
    "CAk6swEKIgoFaW5wdXQSBnBvb2xlZCIRR2xvYmFsQXZlcmFnZVBvb2wKIAoGcG9vbGVkCgVzaGFwZRIGbG9naXRzIgdSZXNoYXBlEgdjb2xv"
    "dXJzKh0IAhAHQgVzaGFwZUoQ//////////8DAAAAAAAAAFokCgVpbnB1dBIbChkIARIVCgcSBWJhdGNoCgIIAwoCCAgKAggIYh0KBmxvZ2l0"
    "cxITChEIARINCgcSBWJhdGNoCgIIA0IECgAQEQ=="
)

SCORES = dict.fromkeys(("accuracy", "precision", "recall", "f1"), 1.0)


def write_point(step: int, name: str, value: float) -> None:
    point = {"step": step, "name": name, "value": value, "time": time.time()}
    with Path(os.environ["MODELYARD_METRICS"]).open("a") as file:
        file.write(json.dumps(point) + "\n")


def train(given: dict[str, Any], work: Path, checkpoint: Path) -> None:
    ticks = int(checkpoint.read_text()) if checkpoint.exists() else 0
    print("begins at", ticks, flush=True)

    def save() -> None:
        new = checkpoint.with_suffix(".new")
        new.write_text(str(ticks))
        new.replace(checkpoint)

    def interrupted(_number: int, _frame: object) -> None:
        save()
        sys.exit(143)

    signal.signal(signal.SIGTERM, interrupted)
    wanted = 10 * int(given["seconds"])
    while ticks < wanted or (given["hold"] and not (work / RELEASE).exists()):
        time.sleep(0.1)
        ticks += 1
        if ticks % 10 == 0:
            save()
            write_point(ticks, "progress", min(0.9, ticks / max(wanted, 1)))


def write_results(given: dict[str, Any], output: Path) -> None:
    report = {
        "format": "modelyard-report/1",
        "task": "classification",
        "classes": list(COLOURS),
        "overall": SCORES,
        "per_class": [],
        "confusion_matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        "worst": [],
        "counts": {"train": 1, "test": 1, "non_compliant": 0},
    }
    (output / "report.json").write_text(json.dumps(report))
    write_model(output / "model", [f"{given['prefix']}-{colour}" for colour in COLOURS])
    for number in range(given["files"]):
        (output / f"part-{number}").write_bytes(os.urandom(200))
    for step in range(given["points"]):
        write_point(step, "loss", 1 / (1 + step))


def write_model(folder: Path, labels: list[str]) -> None:
    weights = base64.b64decode(ONNX)
    document = {
        "format": "modelyard-model/1",
        "framework": "onnx",
        "weights": "model.onnx",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "bytes": len(weights),
        "signature": {
            "inputs": [{"name": "input", "dtype": "float32", "shape": [-1, 3, 8, 8]}],
            "outputs": [{"name": "logits", "dtype": "float32", "shape": [-1, 3]}],
        },
        "interface": {
            "name": "classify",
            "method": "POST",
            "format": "json",
            "parameters": [{"name": "image", "type": "image", "required": True, "description": "A picture."}],
        },
        "labels": labels,
        "preprocessing": {
            "kind": "image",
            "parameter": "image",
            "tensor": "input",
            "width": 8,
            "height": 8,
            "mode": "RGB",
            "mean": [0.5] * 3,
            "std": [0.25] * 3,
            "scale": 1 / 255,
            "resample": "bilinear",
            "layout": "NCHW",
            "dtype": "float32",
        },
        "postprocessing": {"kind": "softmax", "tensor": "logits"},
        "metrics": SCORES,
        "parameter_count": 0,
        "provenance": {},
    }
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(weights)
    (folder / "model.yaml").write_text(json.dumps(document))


if __name__ == "__main__":
    parameters = json.loads(Path(os.environ["MODELYARD_PARAMS"]).read_text())
    results = Path(os.environ["MODELYARD_OUTPUT"])
    train(parameters, results.parent, Path(os.environ["MODELYARD_CHECKPOINT"]) / "ticks")
    write_results(parameters, results)
    print("ends", flush=True)

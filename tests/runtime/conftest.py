"""Tests of the SDK and the presets in the runtime environment, as subprocesses of its Python."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.algorithm.packaging import BUILTIN_FOLDER, load_definition
from services.algorithm.packaging import main as pack
from services.algorithm.sdk.jsontypes import Json, JsonObject
from services.algorithm.sdk.local import dataset_from_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def python() -> str:
    """The runtime environment's Python: MODELYARD_RUNTIME_PYTHON, else `.runtime/bin/python`."""
    path = Path(os.environ.get("MODELYARD_RUNTIME_PYTHON") or ROOT / ".runtime" / "bin" / "python")
    if not path.exists():
        pytest.fail(f"no runtime environment at {path}: make it with `make install`")
    return str(path)


@dataclass(frozen=True)
class Packed:
    """A runnable folder and the environment of one run of it."""

    folder: Path
    output: Path
    environment: dict[str, str]
    python: str

    def command(self) -> list[str]:
        return [self.python, "train.py"]

    def run(self) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(), cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def report(self) -> JsonObject:
        document: JsonObject = json.loads((self.output / "report.json").read_text(encoding="utf-8"))
        return document

    def points(self, name: str) -> list[Json]:
        """Values of the metric `name` so far."""
        path = self.output / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [point["value"] for point in map(json.loads, lines) if point.get("name") == name and "value" in point]


Packer = Callable[..., Packed]


@pytest.fixture
def packed(tmp_path: Path, python: str) -> Packer:
    """Pack a preset as the platform does: its code and the SDK in one folder, nothing else on the path."""

    def prepare(preset: str, dataset: Path, name: str = "run", **parameters: Json) -> Packed:
        folder, output = tmp_path / name / "code", tmp_path / name / "output"
        pack(BUILTIN_FOLDER / preset, folder)
        (tmp_path / name / "params.json").write_text(json.dumps(parameters), encoding="utf-8")
        environment = {
            "PATH": "/usr/bin:/bin",
            **load_definition(folder).training.env,
            "PYTHONPATH": str(folder),
            "PYTHONUNBUFFERED": "1",
            "MODELYARD_DATASET": str(dataset_from_folder(dataset, tmp_path / f"{name}-dataset", share=0.75)),
            "MODELYARD_PARAMS": str(tmp_path / name / "params.json"),
            "MODELYARD_OUTPUT": str(output),
            "MODELYARD_METRICS": str(output / "metrics.jsonl"),
            "MODELYARD_CHECKPOINT": str(tmp_path / name / "checkpoint"),
        }
        return Packed(folder, output, environment, python)

    return prepare

"""Writes the entries of one service into a folder, from its model folder."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from services.serving.domain import ModelRejected
from services.serving.entries.config import WEIGHTS, configs
from services.serving.entries.modelfile import ModelFile, parse_model
from services.serving.naming import CORE, POST, PRE, Layout

_STEPS = Path(__file__).parent / "steps"


def build_entry(service_id: str, model_folder: Path, target: Path, load: int, layout: Layout) -> ModelFile:
    """Make the entries of a service below `target`, an existing folder on the disk of `model_folder`.

    The weights are moved, not copied. Raises ModelRejected when model.yaml or the weights are not as they should be.
    """
    model = parse_model(model_folder / "model.yaml")
    weights = _checked_weights(model_folder, model)
    for name, config in configs(service_id, model, load, layout).items():
        (target / name / "1").mkdir(parents=True)
        write_file(target / name / "config.pbtxt", config.encode())
    before = {**asdict(model.preprocessing), "output": model.preprocessing.tensor}
    after = {"input": model.scores, "kind": model.scores_kind, "labels": model.labels}
    if layout is Layout.WHOLE:
        version = target / service_id / "1"
        weights.replace(version / WEIGHTS[model.framework])
        spec = {"pre": before, "core": _core(model), "post": after}
        _write_step(version, "whole_model.py", ("preprocessing.py", "postprocessing.py"), spec)
        write_file(version / "core.py", (_STEPS / f"core_{model.framework}.py").read_bytes())
        return model
    weights.replace(target / f"{service_id}.{CORE}" / "1" / WEIGHTS[model.framework])
    _write_step(target / f"{service_id}.{PRE}" / "1", "pre_model.py", ("preprocessing.py",), before)
    _write_step(target / f"{service_id}.{POST}" / "1", "post_model.py", ("postprocessing.py",), after)
    return model


def _core(model: ModelFile) -> Mapping[str, object]:
    """What the modules `core_*.py` need to know."""
    taken = model.inputs[0]
    return {
        "weights": WEIGHTS[model.framework],
        "input": taken.name,
        "rank": len(taken.shape),
        "output": model.scores,
        "position": [tensor.name for tensor in model.outputs].index(model.scores),
    }


def _write_step(version: Path, entry_point: str, modules: Sequence[str], spec: Mapping[str, object]) -> None:
    write_file(version / "model.py", (_STEPS / entry_point).read_bytes())
    for module in modules:
        write_file(version / module, (_STEPS / module).read_bytes())
    write_file(version / "step.json", json.dumps(spec, ensure_ascii=False).encode())


def _checked_weights(folder: Path, model: ModelFile) -> Path:
    weights = folder / model.weights
    if weights.is_symlink() or not weights.is_file():
        raise ModelRejected(f"weights: the model folder has no file '{model.weights}'")
    with weights.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != model.sha256:
        raise ModelRejected(f"sha256: '{model.weights}' has {digest}, model.yaml says {model.sha256}")
    return weights


def write_file(path: Path, content: bytes) -> None:
    """Write and bring to disk."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)

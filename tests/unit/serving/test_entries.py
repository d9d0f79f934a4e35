"""The generator and the repository on disk, without Triton."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from services.kernel.ids import new_id
from services.serving.domain import ModelRejected
from services.serving.entries import EntryRepository, Marker, parse_model
from services.serving.naming import Layout, entry_names

WEIGHTS = b"weights"
Fetch = Callable[[Path], None]


def image_model() -> dict[str, Any]:
    return {
        "format": "modelyard-model/1",
        "framework": "onnx",
        "weights": "digits.onnx",
        "sha256": hashlib.sha256(WEIGHTS).hexdigest(),
        "signature": {
            "inputs": [{"name": "input", "dtype": "float32", "shape": [-1, 1, 28, 28]}],
            "outputs": [{"name": "logits", "dtype": "float32", "shape": [-1, 2]}],
        },
        "labels": ["零", "one"],
        "preprocessing": {
            "kind": "image", "parameter": "image", "tensor": "input", "width": 28, "height": 28, "mode": "L",
            "mean": [0.1], "std": [0.3], "scale": 1 / 255, "resample": "bilinear", "layout": "NCHW",
            "dtype": "float32",
        },
        "postprocessing": {"kind": "softmax", "tensor": "logits"},
    }  # fmt: skip


def text_model() -> dict[str, Any]:
    return image_model() | {
        "framework": "sklearn",
        "weights": "model.skops",
        "signature": {
            "inputs": [{"name": "text", "dtype": "string", "shape": [-1]}],
            "outputs": [{"name": "probabilities", "dtype": "float64", "shape": [-1, 2]}],
        },
        "preprocessing": {"kind": "text", "parameter": "text", "tensor": "text"},
        "postprocessing": {"kind": "probabilities", "tensor": "probabilities"},
    }


def fetch(model: dict[str, Any]) -> Fetch:
    def into(folder: Path) -> None:
        folder.mkdir()
        (folder / "model.yaml").write_text(yaml.safe_dump(model, allow_unicode=True), "utf-8")
        (folder / str(model["weights"])).write_bytes(WEIGHTS)

    return into


def forbidden(_folder: Path) -> None:
    pytest.fail("nothing has to be fetched")


def config(folder: Path, name: str) -> model_config_pb2.ModelConfig:
    return text_format.Parse((folder / name / "config.pbtxt").read_text("utf-8"), model_config_pb2.ModelConfig())


@pytest.fixture
def repository(tmp_path: Path) -> EntryRepository:
    folder = tmp_path / "models"
    folder.mkdir()
    return EntryRepository(folder)


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("model", "backend", "weights"),
    [
        (image_model(), "onnxruntime", "model.onnx"),
        (image_model() | {"framework": "torchscript", "weights": "net.pt"}, "pytorch", "model.pt"),
        (text_model(), "sklearn", "model.skops"),
    ],
)
def test_an_entry_is_an_ensemble_of_three_steps(
    repository: EntryRepository, model: dict[str, Any], backend: str, weights: str
) -> None:
    service = new_id("svc")
    repository.write(service, Marker("a" * 64, 3, Layout.ENSEMBLE), fetch(model))
    assert repository.names(service) == list(entry_names(service))
    core = config(repository.folder, f"{service}.core")
    assert (core.backend, core.default_model_filename) == (backend, weights)
    assert core.instance_group[0].count == 3
    assert (repository.folder / f"{service}.core" / "1" / weights).read_bytes() == WEIGHTS
    ensemble = config(repository.folder, service)
    assert ensemble.platform == "ensemble"
    assert [step.model_name for step in ensemble.ensemble_scheduling.step] == list(entry_names(service)[:3])
    assert [(o.name, list(o.dims)) for o in ensemble.output] == [
        ("label", [1]), ("confidence", [1]), ("probabilities", [2]),
    ]  # fmt: skip
    produced = set(ensemble.ensemble_scheduling.step[0].output_map.values())
    assert set(ensemble.ensemble_scheduling.step[1].input_map.values()) == produced


@pytest.mark.parametrize(
    ("model", "weights", "core"),
    [
        (image_model(), "model.onnx", {"input": "input", "rank": 4, "output": "logits", "position": 0}),
        (text_model(), "model.skops", {"input": "text", "rank": 1, "output": "probabilities", "position": 0}),
    ],
)
def test_a_whole_entry_is_one_model(
    repository: EntryRepository, model: dict[str, Any], weights: str, core: dict[str, Any]
) -> None:
    service = new_id("svc")
    repository.write(service, Marker("a" * 64, 3), fetch(model))
    assert repository.names(service) == [service]
    made = config(repository.folder, service)
    assert (made.backend, made.instance_group[0].count) == ("python", 3)
    assert [(o.name, list(o.dims)) for o in made.output] == [
        ("label", [1]), ("confidence", [1]), ("probabilities", [2]),
    ]  # fmt: skip
    version = repository.folder / service / "1"
    assert (version / weights).read_bytes() == WEIGHTS
    assert {path.name for path in version.glob("*.py")} == {
        "model.py", "core.py", "preprocessing.py", "postprocessing.py",
    }  # fmt: skip
    assert json.loads((version / "step.json").read_text("utf-8"))["core"] == {"weights": weights, **core}


def test_another_layout_makes_the_entry_anew(repository: EntryRepository) -> None:
    service = new_id("svc")
    repository.write(service, Marker("a" * 64, 1, Layout.ENSEMBLE), fetch(image_model()))
    repository.write(service, Marker("a" * 64, 1), fetch(image_model()))
    assert [path.name for path in repository.folder.glob("svc-*")] == [service]


def test_torchscript_tensors_go_by_position(repository: EntryRepository) -> None:
    service = new_id("svc")
    repository.write(service, Marker("a" * 64, 1, Layout.ENSEMBLE), fetch(image_model() | {"framework": "torchscript"}))
    core = config(repository.folder, f"{service}.core")
    assert [core.input[0].name, core.output[0].name] == ["INPUT__0", "OUTPUT__0"]


def test_writing_the_same_again_touches_nothing(repository: EntryRepository) -> None:
    service = new_id("svc")
    repository.write(service, Marker("a" * 64, 2), fetch(image_model()))
    before = snapshot(repository.folder)
    assert repository.write(service, Marker("a" * 64, 2), forbidden).labels == ("零", "one")
    assert snapshot(repository.folder) == before


def test_another_load_replaces_configurations_only(repository: EntryRepository) -> None:
    service = new_id("svc")
    repository.write(service, Marker("a" * 64, 2), fetch(image_model()))
    before = snapshot(repository.folder)
    repository.write(service, Marker("a" * 64, 5), forbidden)
    after = snapshot(repository.folder)
    changed = {Path(path).name for path in after if after[path] != before[path]}
    assert changed == {"config.pbtxt", "modelyard.json"}
    assert config(repository.folder, service).instance_group[0].count == 5
    assert repository.marker(service) == Marker("a" * 64, 5)


def test_another_bundle_makes_the_entry_anew(repository: EntryRepository) -> None:
    service = new_id("svc")
    repository.write(service, Marker("a" * 64, 1), fetch(image_model()))
    repository.write(service, Marker("b" * 64, 1), fetch(text_model()))
    assert (repository.folder / service / "1" / "model.skops").exists()
    assert not (repository.folder / service / "1" / "model.onnx").exists()


@pytest.mark.parametrize("calls", range(4))
def test_killed_while_publishing_is_unfinished_and_made_anew(
    repository: EntryRepository, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    service, original, left = new_id("svc"), Path.replace, [calls]

    def replace(self: Path, target: Path) -> Path:
        if Path(target).parent == repository.folder:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
        return original(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    marker = Marker("a" * 64, 1, Layout.ENSEMBLE)
    with pytest.raises(KeyboardInterrupt):
        repository.write(service, marker, fetch(image_model()))
    assert repository.marker(service) is None
    assert repository.names(service) == []
    assert not (repository.folder / service).exists(), "the ensemble comes last"
    monkeypatch.undo()
    repository.write(service, marker, fetch(image_model()))
    assert all((repository.folder / name / "config.pbtxt").exists() for name in entry_names(service))


def test_what_a_killed_process_left_is_cleaned(repository: EntryRepository) -> None:
    left = repository.folder / ".staging" / "abc" / "model"
    left.mkdir(parents=True)
    repository.clean()
    assert list(repository.folder.iterdir()) == []


def test_remove_takes_the_service_and_leaves_others(repository: EntryRepository) -> None:
    first, second = new_id("svc"), new_id("svc")
    for service in (first, second):
        repository.write(service, Marker("a" * 64, 1), fetch(image_model()))
    (repository.folder / "somebody-elses").mkdir()
    repository.remove(first)
    repository.remove(first)
    assert repository.services() == {second}
    assert (repository.folder / "somebody-elses").exists()


def test_a_failing_fetch_leaves_nothing(repository: EntryRepository) -> None:
    def broken(folder: Path) -> None:
        folder.mkdir()
        raise ModelRejected("gone")

    service = new_id("svc")
    with pytest.raises(ModelRejected):
        repository.write(service, Marker("a" * 64, 1), broken)
    assert [path for path in repository.folder.rglob("*") if path.is_file()] == []


def test_weights_that_were_changed_are_refused(repository: EntryRepository) -> None:
    service = new_id("svc")
    with pytest.raises(ModelRejected, match="sha256"):
        repository.write(service, Marker("a" * 64, 1), fetch(image_model() | {"sha256": "0" * 64}))
    assert repository.services() == set()


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("format",), "other/2", "format: expected one of modelyard-model/1"),
        (("framework",), "pickle", "framework: expected one of onnx, torchscript, sklearn"),
        (("weights",), "../digits.onnx", "name of a file in the folder"),
        (("labels",), [], "labels: expected a list with at least one entry"),
        (("labels",), ["a", "a"], "labels: expected different"),
        (("labels",), ["a", "b", "c"], r"expected \[-1, 3\]"),
        (("signature", "inputs", 0, "shape"), [1, 1, 28, 28], "expected -1"),
        (("signature", "inputs", 0, "shape"), [-1, 3, 28, 28], "but preprocessing gives"),
        (("signature", "inputs", 0, "dtype"), "float128", "signature.inputs.0..dtype: expected one of"),
        (("preprocessing", "std"), [0], "other than 0"),
        (("preprocessing", "mean"), [0.1, 0.2, 0.3], "expected 1 number"),
        (("preprocessing", "width"), 100000, "1 to 8192"),
        (("preprocessing", "tensor"), "other", "signature.inputs: expected one, 'other'"),
        (("postprocessing", "kind"), "argmax", "softmax, probabilities"),
        (("postprocessing", "tensor"), "other", "not among signature.outputs"),
    ],
)
def test_a_bad_model_yaml_names_the_field(tmp_path: Path, path: tuple[Any, ...], value: object, told: str) -> None:
    model: Any = image_model()
    place = model
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    file = tmp_path / "model.yaml"
    file.write_text(yaml.safe_dump(model), "utf-8")
    with pytest.raises(ModelRejected, match=told):
        parse_model(file)


@pytest.mark.parametrize("content", [b"", b"- 1", b"\xff\xfe\xfa", b"a: [", b"!!python/object/apply:os.system [ls]"])
def test_something_else_than_a_model_yaml_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.yaml"
    file.write_bytes(content)
    with pytest.raises(ModelRejected):
        parse_model(file)


def test_a_missing_model_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRejected, match=r"no model\.yaml"):
        parse_model(tmp_path / "model.yaml")

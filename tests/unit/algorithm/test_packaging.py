"""Reading `algorithm.yaml`, and the runnable folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.algorithm.definition_text import DefinitionError
from services.algorithm.packaging import (
    builtin_folders,
    code_hash,
    load_definition,
    main,
    pack_files,
    parse_definition,
)
from services.algorithm.sdk.algorithm import Algorithm
from services.algorithm.sdk.errors import ParameterError

VALID = """\
contract: 1
name: demo
title: {zh: 示例, en: Demo}
version: v1.0
purpose: {level1: text, level2: classification}
data: {kind: text, format: dir}
training:
  command: python train.py
  device: cpu
  parameters:
    type: object
    properties:
      epochs: {type: integer, minimum: 1, default: 3}
inference:
  framework: onnx
  device: any
  interface:
    name: classify
    method: POST
    format: json
    parameters:
      - {name: text, type: text, required: true, test_value: hello}
    returns:
      - {name: label, type: text}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(DefinitionError) as raised:
        parse_definition(text)
    return raised.value.problems


def test_a_valid_definition_becomes_typed() -> None:
    definition = parse_definition(VALID)
    assert (definition.name, definition.version, definition.title["zh"]) == ("demo", "v1.0", "示例")
    assert definition.purpose == ("text", "classification")
    assert definition.training.command == "python train.py"
    assert definition.inference.parameters[0].test_value == "hello"
    assert definition.resolve_parameters({}) == {"epochs": 3}
    assert definition.environment({"epochs": 3}) == {"EPOCHS": "3"}
    with pytest.raises(ParameterError, match="'epochs': expected an integer, at least 1, got 0"):
        definition.resolve_parameters({"epochs": 0})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("contract: 1", "contract: 2", "algorithm.yaml:1: contract: expected 1, got 2"),
        ("name: demo", "name: a b", "algorithm.yaml:2: name: expected a text matching"),
        ("version: v1.0", "version: 1.0", "algorithm.yaml:4: version: expected string, got 1.0"),
        ("  device: cpu", "  device: tpu", 'algorithm.yaml:9: training.device: expected one of ["cpu", "gpu", "any"]'),
        ("  command: python train.py\n", "", "algorithm.yaml:7: training: 'command' is a required property"),
        ("  framework: onnx", "  framework: pickle", "algorithm.yaml:15: inference.framework: expected one of"),
        ("default: 3", "default: 0", "algorithm.yaml:10: training.parameters: default of parameter 'epochs': expected"),
        ("minimum: 1", "minimun: 1", "algorithm.yaml:13: training.parameters.properties.epochs: Additional properties"),
        (
            "name: text, type: text",
            "name: text, type: sound",
            "inference.interface.parameters[0].type: expected one of",
        ),
        ("version: v1.0", "version: v1.0\nversion: v2.0", "algorithm.yaml:5: version: stands twice, expected once"),
        ("contract: 1", "contract: [1", "not YAML"),
    ],
)
def test_a_fault_names_file_line_and_field(old: str, new: str, message: str) -> None:
    assert old in VALID
    found = problems(VALID.replace(old, new, 1))
    assert len(found) == 1
    assert message in found[0]


def test_all_faults_are_listed() -> None:
    faulty = VALID.replace("name: demo", "name: ''", 1).replace("method: POST", "method: GET")
    assert len(problems(faulty)) == 2


@pytest.mark.parametrize("text", ["", "[]", "just text"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    assert "expected a mapping" in problems(text)[0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"algorithm\.yaml: cannot be read"):
        load_definition(tmp_path)


@pytest.mark.parametrize("folder", builtin_folders(), ids=lambda folder: folder.name)
def test_presets_are_valid_and_their_defaults_resolve(folder: Path) -> None:
    definition = load_definition(folder)
    assert definition.resolve_parameters({})["seed"] == 0
    assert definition.data_format == "dir"
    assert all(parameter.test_value for parameter in definition.inference.parameters)


def test_both_presets_stand_in_the_registry() -> None:
    names = [load_definition(folder).name for folder in builtin_folders()]
    assert names == ["image-classification", "text-naive-bayes"]


def test_the_code_hash_follows_the_code_and_is_the_runs_own(tmp_path: Path) -> None:
    (tmp_path / "algorithm.yaml").write_text(VALID, encoding="utf-8")
    (tmp_path / "train.py").write_text("print(1)", encoding="utf-8")
    first = code_hash(tmp_path)
    target = tmp_path.with_name(tmp_path.name + "-packed")
    main(tmp_path, target)
    (target / "__pycache__").mkdir()
    (target / "__pycache__" / "train.pyc").write_bytes(b"x")
    assert Algorithm.read(target).code_hash() == first == load_definition(tmp_path).code_hash
    (tmp_path / "train.py").write_text("print(2)", encoding="utf-8")
    assert code_hash(tmp_path) != first


def test_the_packed_sdk_imports_alone_and_without_heavy_libraries(tmp_path: Path) -> None:
    for name, path in pack_files(builtin_folders()[0]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(path.read_bytes())
    code = (
        "import sys, modelyard_sdk\n"
        "heavy = {'torch', 'sklearn', 'numpy', 'PIL', 'yaml', 'services'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

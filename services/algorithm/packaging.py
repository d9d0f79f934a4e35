"""Algorithm folders: strict reading of `algorithm.yaml`, and the files of a runnable folder.

`python -m services.algorithm.packaging FOLDER TARGET` writes the runnable folder (code and SDK) to TARGET.
"""

import json
import shutil
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import jsonschema
import yaml

from services.algorithm.definition_text import DefinitionError, Place, duplicate_keys, parse, problem, short
from services.algorithm.sdk import files as sdk_files
from services.algorithm.sdk.algorithm import DEFINITION
from services.algorithm.sdk.errors import ParameterError
from services.algorithm.sdk.jsontypes import Json, JsonObject, as_list, as_object, as_text
from services.algorithm.sdk.parameters import plain_variables, resolve
from services.kernel import patterns

SDK_FOLDER = Path(__file__).parent / "sdk"
SDK_NAME = "modelyard_sdk"
BUILTIN_FOLDER = Path(__file__).parent / "builtin"
MAX_DEFINITION_BYTES = 256 * 1024
_PARAMETERS: Place = ("training", "parameters")


@dataclass(frozen=True, slots=True)
class Training:
    """How a training is started: `device` is cpu, gpu or any; `parameters` a JSON Schema with defaults."""

    command: str
    args: tuple[str, ...]
    env: dict[str, str]
    device: str
    parameters: JsonObject


@dataclass(frozen=True, slots=True)
class InterfaceParameter:
    """One value that a user of the model sends or gets back."""

    name: str
    type: str
    required: bool
    test_value: Json
    description: str


@dataclass(frozen=True, slots=True)
class Inference:
    """How the model is served and what its users see."""

    framework: str
    device: str
    name: str
    method: str
    format: str
    parameters: tuple[InterfaceParameter, ...]
    returns: tuple[InterfaceParameter, ...]


@dataclass(frozen=True, slots=True)
class AlgorithmDefinition:
    """A validated `algorithm.yaml` with the hash of the algorithm's code (its files without the SDK)."""

    name: str
    title: dict[str, str]
    description: str
    version: str
    purpose: tuple[str, str]
    data_kind: str
    data_format: str
    training: Training
    inference: Inference
    code_hash: str

    def resolve_parameters(self, given: JsonObject) -> JsonObject:
        """Fill in defaults and check, exactly as the run will; raises ParameterError with one message a fault."""
        return resolve(self.training.parameters, given)

    def environment(self, parameters: JsonObject) -> dict[str, str]:
        """Return the algorithm's own variables and the resolved parameters as plain upper-case variables."""
        return {**self.training.env, **plain_variables(parameters)}


def load_definition(folder: Path) -> AlgorithmDefinition:
    """Read and validate `algorithm.yaml` of `folder`; raises DefinitionError listing every fault with its line."""
    path = folder / DEFINITION
    try:
        size = path.stat().st_size
        if size > MAX_DEFINITION_BYTES:
            raise DefinitionError([f"{DEFINITION}: expected at most {MAX_DEFINITION_BYTES} bytes, got {size}"])
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError([f"{DEFINITION}: cannot be read as UTF-8 text ({error})"]) from error
    return parse_definition(text, code_hash(folder))


def parse_definition(text: str, digest: str = "") -> AlgorithmDefinition:
    """Validate the text of an `algorithm.yaml`; `digest` becomes the definition's `code_hash`."""
    root, document = parse(text)
    problems = _pattern_problems(root, document)
    if not problems:
        problems = [*duplicate_keys(root), *_schema_problems(root, document)]
    if not problems:
        problems = _default_problems(root, document)
    if problems:
        raise DefinitionError(problems)
    return _build(document, digest)


def code_hash(folder: Path) -> str:
    """SHA-256 over names and contents of the algorithm's files, the same that a run finds for itself."""
    return sdk_files.code_hash(sdk_files.algorithm_files(folder))


def pack_files(folder: Path) -> list[tuple[str, Path]]:
    """List the files of the runnable folder: the algorithm's, and the SDK as package `modelyard_sdk`.

    A run starts in that folder with it on PYTHONPATH, and needs nothing else of the platform.
    """
    sdk = [(f"{SDK_NAME}/{name}", path) for name, path in sdk_files.algorithm_files(SDK_FOLDER)]
    return [*sdk_files.algorithm_files(folder), *sdk]


def builtin_folders() -> list[Path]:
    """List the folders of the preset algorithms."""
    return sorted(path.parent for path in BUILTIN_FOLDER.glob(f"*/{DEFINITION}"))


@lru_cache(maxsize=1)
def _validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((SDK_FOLDER / "schemas" / "algorithm-v1.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def _schema_problems(root: yaml.Node, document: JsonObject) -> list[str]:
    errors = sorted(_validator().iter_errors(document), key=lambda error: [str(part) for part in error.absolute_path])
    return [problem(root, tuple(error.absolute_path), _explain(error)) for error in errors]


def _explain(error: jsonschema.ValidationError) -> str:
    if error.validator == "const":
        return f"expected {json.dumps(error.validator_value)}, got {short(error.instance)}"
    if error.validator == "enum":
        return f"expected one of {short(error.validator_value)}, got {short(error.instance)}"
    if error.validator == "pattern":
        return f"expected a text matching {error.validator_value}, got {short(error.instance)}"
    if error.validator == "type":
        return f"expected {error.validator_value}, got {short(error.instance)}"
    return error.message


def _default_problems(root: yaml.Node, document: JsonObject) -> list[str]:
    """Check that each default fits its own rule, so that a task with no parameters given can start."""
    schema = as_object(as_object(document["training"]).get("parameters"))
    optional = {key: value for key, value in schema.items() if key != "required"}
    long = patterns.overlong(as_object(schema.get("properties")), _defaults(schema))
    if long:
        message = f"default of parameter '{long}': expected at most {patterns.MAX_TEXT_CHARACTERS} characters"
        return [problem(root, _PARAMETERS, f"{message} in all defaults with a pattern together")]
    try:
        resolve(optional, _defaults(schema))
    except ParameterError as error:
        return [problem(root, _PARAMETERS, f"default of {fault}") for fault in error.problems]
    return []


def _pattern_problems(root: yaml.Node, document: JsonObject) -> list[str]:
    """The patterns that could take endless time; told before the schema is applied, which compiles them."""
    training = document.get("training")
    schema = training.get("parameters") if isinstance(training, dict) else None
    return [
        problem(root, (*_PARAMETERS, *place), f"expected {patterns.EXPECTED}; got {short(pattern)}")
        for place, pattern in patterns.patterns_in(schema)
        if not patterns.is_safe_pattern(pattern)
    ]


def _defaults(schema: JsonObject) -> JsonObject:
    rules = as_object(schema.get("properties")).items()
    return {name: as_object(rule)["default"] for name, rule in rules if "default" in as_object(rule)}


def _build(document: JsonObject, digest: str) -> AlgorithmDefinition:
    training, inference = as_object(document["training"]), as_object(document["inference"])
    interface, purpose = as_object(inference["interface"]), as_object(document["purpose"])
    data = as_object(document["data"])
    no_parameters: JsonObject = {"type": "object", "properties": {}}
    return AlgorithmDefinition(
        name=as_text(document["name"]),
        title={language: as_text(title) for language, title in as_object(document["title"]).items()},
        description=as_text(document.get("description")),
        version=as_text(document["version"]),
        purpose=(as_text(purpose["level1"]), as_text(purpose["level2"])),
        data_kind=as_text(data["kind"]),
        data_format=as_text(data["format"]),
        training=Training(
            command=as_text(training["command"]),
            args=tuple(as_text(argument) for argument in as_list(training.get("args"))),
            env={name: as_text(value) for name, value in as_object(training.get("env")).items()},
            device=as_text(training["device"]),
            parameters=as_object(training.get("parameters")) or no_parameters,
        ),
        inference=Inference(
            framework=as_text(inference["framework"]),
            device=as_text(inference["device"]),
            name=as_text(interface["name"]),
            method=as_text(interface["method"]),
            format=as_text(interface["format"]),
            parameters=_interface_parameters(interface["parameters"]),
            returns=_interface_parameters(interface["returns"]),
        ),
        code_hash=digest,
    )


def _interface_parameters(entries: Json) -> tuple[InterfaceParameter, ...]:
    return tuple(
        InterfaceParameter(
            name=as_text(entry.get("name")),
            type=as_text(entry.get("type")),
            required=entry.get("required", True) is True,
            test_value=entry.get("test_value"),
            description=as_text(entry.get("description")),
        )
        for entry in map(as_object, as_list(entries))
    )


def main(folder: Path, target: Path) -> None:
    """Validate the algorithm in `folder` and write its runnable folder to `target`."""
    load_definition(folder)
    for name, path in pack_files(folder):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / name)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except DefinitionError as fault:
        sys.exit("\n".join(fault.problems))

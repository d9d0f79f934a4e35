"""The text of an `algorithm.yaml`: read as plain JSON values, with the lines of its fields."""

import json

import yaml

from services.algorithm.sdk.algorithm import DEFINITION
from services.algorithm.sdk.errors import ContractError
from services.algorithm.sdk.jsontypes import Json, JsonObject, as_object
from services.kernel import plainyaml

Place = tuple[str | int, ...]
_TEXT_TAG = "tag:yaml.org,2002:str"

_YAML_FAULTS = (yaml.YAMLError, ValueError, ArithmeticError, LookupError, AttributeError, TypeError, RecursionError)
"""SafeLoader's constructors raise any of these for a scalar that is not what its tag says."""


class DefinitionError(ContractError):
    """A faulty `algorithm.yaml`; `problems` holds "file:line: field: what was expected" for each fault."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def parse(text: str) -> tuple[yaml.Node, JsonObject]:
    """The document, and its nodes for `problem`; raises DefinitionError when it is no mapping of plain values."""
    try:
        root = yaml.compose(text, Loader=plainyaml.PlainLoader)
        document = plainyaml.load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DefinitionError([f"{DEFINITION}:{line}: not YAML ({error.problem})"]) from error
    except _YAML_FAULTS as error:
        raise DefinitionError([f"{DEFINITION}: not YAML ({error})"]) from error
    if root is None or not isinstance(document, dict):
        raise DefinitionError([f"{DEFINITION}:1: expected a mapping with 'contract: 1', 'name', …"])
    problems = _key_problems(root)
    if problems:
        raise DefinitionError(problems)
    return root, as_object(_plain(document))


def _plain(document: object) -> Json:
    """The document as JSON has it. YAML knows more: dates, binary values, sets, infinity, half characters."""
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        text.encode("utf-8")
        plain: Json = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        expected = "expected texts, finite numbers, true, false, null, lists and mappings only"
        raise DefinitionError([f"{DEFINITION}: {expected} ({error})"]) from error
    return plain


def _key_problems(node: yaml.Node) -> list[str]:
    if isinstance(node, yaml.SequenceNode):
        return [found for entry in node.value for found in _key_problems(entry)]
    problems: list[str] = []
    for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
        if key.tag != _TEXT_TAG:
            name = short(key.value) if isinstance(key, yaml.ScalarNode) else "a list or mapping"
            problems.append(f"{DEFINITION}:{key.start_mark.line + 1}: expected a text as key, in quotes; got {name}")
        problems += _key_problems(value)
    return problems


def short(value: object) -> str:
    """`value` as JSON, cut off."""
    return json.dumps(value, ensure_ascii=False, default=str)[:80]


def problem(root: yaml.Node, path: Place, message: str) -> str:
    """Say `message` with the line and the name of the field at `path`."""
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return f"{DEFINITION}:{_line(root, path)}: {field + ': ' if field else ''}{message}"


def _line(node: yaml.Node, path: Place) -> int:
    """Return the line (from 1) of the field at `path`, or of the deepest part of it that exists."""
    if path and isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(path[0]):
                return _line(value, path[1:]) if len(path) > 1 else key.start_mark.line + 1
    if path and isinstance(node, yaml.SequenceNode) and isinstance(path[0], int) and path[0] < len(node.value):
        return _line(node.value[path[0]], path[1:])
    return int(node.start_mark.line) + 1


def duplicate_keys(node: yaml.Node) -> list[str]:
    """One message for each key that stands twice in its mapping."""
    if isinstance(node, yaml.SequenceNode):
        return [found for entry in node.value for found in duplicate_keys(entry)]
    if not isinstance(node, yaml.MappingNode):
        return []
    problems: list[str] = []
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        if name in seen:
            problems.append(f"{DEFINITION}:{key.start_mark.line + 1}: {name}: stands twice, expected once")
        seen.add(name)
        problems += duplicate_keys(value)
    return problems

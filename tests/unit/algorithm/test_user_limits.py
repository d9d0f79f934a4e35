"""What an `algorithm.yaml` may not do to the platform that reads it."""

import re
import time

import pytest

from services.algorithm.definition_text import DefinitionError
from services.algorithm.packaging import MAX_DEFINITION_BYTES, load_definition, parse_definition
from services.kernel.patterns import MAX_TEXT_CHARACTERS, is_safe_pattern
from services.kernel.plainyaml import MAX_DEPTH
from tests.unit.algorithm.test_packaging import VALID, problems

RULE = "epochs: {type: integer, minimum: 1, default: 3}"


def with_rule(rule: str) -> str:
    assert RULE in VALID
    return VALID.replace(RULE, rule)


SAFE = ["^[a-z]+$", "^v[0-9]+[.][0-9]+$", r"^\(\|\)*$", "^[(|)*+{]{1,3}$", "x*", "^a?b?c?$", "^[]()]+$", r"\w+"]
UNSAFE = [
    "(a+)+$", "^a|b$", "^(?:a)$", "^a*a*a*$", "a*a*", "^a{1,9}b{1,9}c{1,9}$", "a?" * 60 + "a", "a" * 201, "[",
    "^a{99999999999999999999}$", "^[^]]|a$", r"^\\(a)$",
]  # fmt: skip


@pytest.mark.parametrize("pattern", SAFE)
def test_patterns_of_bounded_time_are_taken(pattern: str) -> None:
    assert is_safe_pattern(pattern)


@pytest.mark.parametrize("pattern", UNSAFE)
def test_patterns_that_may_take_endless_time_are_not(pattern: str) -> None:
    assert not is_safe_pattern(pattern)


@pytest.mark.parametrize("pattern", ["^.*.*x", "^[ab]*?[ab]*?x", "[a]*x", "^a?a?a?[ab]*[ab]*x"])
def test_the_worst_of_the_safe_patterns_ends_soon(pattern: str) -> None:
    assert is_safe_pattern(pattern)
    before = time.process_time()
    assert re.search(pattern, "a" * MAX_TEXT_CHARACTERS) is None
    assert time.process_time() - before < 20


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ("tag: {type: string, default: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!, pattern: '(a+)+$'}", "tag"),
        ("tags: {type: array, items: {type: string, pattern: '(a+)+$'}}", "tags.items"),
        ("o: {type: object, properties: {t: {type: string, pattern: '(a+)+$'}}}", "o.properties.t"),
    ],
)
def test_an_unsafe_pattern_is_named_before_it_is_used(rule: str, field: str) -> None:
    (found,) = problems(with_rule(rule))
    place = f"algorithm.yaml:13: training.parameters.properties.{field}.pattern: "
    assert found.startswith(place + "expected a regular expression of at most 200 characters")


def test_a_parameter_may_be_called_pattern() -> None:
    rule = "pattern: {type: string, default: ab, pattern: '^[a-z]+$'}"
    assert parse_definition(with_rule(rule)).resolve_parameters({}) == {"pattern": "ab"}


def test_defaults_that_a_pattern_has_to_match_are_short() -> None:
    rule = f"tag: {{type: string, pattern: '^a*$', default: {'a' * (MAX_TEXT_CHARACTERS + 1)}}}"
    (found,) = problems(with_rule(rule))
    assert "default of parameter 'tag': expected at most 4096 characters" in found


def test_a_large_file_is_not_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "algorithm.yaml").write_text(VALID + "#" * MAX_DEFINITION_BYTES, encoding="utf-8")
    with pytest.raises(DefinitionError, match="expected at most 262144 bytes"):
        load_definition(tmp_path)


def test_aliases_are_refused() -> None:
    (found,) = problems(VALID + "a: &a [x, x]\nb: &b [*a, *a]\n")
    assert "aliases are not allowed" in found


@pytest.mark.parametrize("depth", [MAX_DEPTH, 5000])
def test_deep_documents_are_refused(depth: int) -> None:
    assert f"more than {MAX_DEPTH} levels" in problems(f"a: {'[' * depth}{']' * depth}")[0]


def test_the_deepest_schema_that_is_read_is_checked() -> None:
    deep = "{type: array, items: " * 26 + "{type: string}" + "}" * 26
    assert parse_definition(with_rule(f"deep: {deep}")).resolve_parameters({}) == {}


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-01", "!!binary aGVsbG8=", "!!set {a, b}", ".inf", ".nan", '"\\ud800"', "2024-99-99", "!!bool maybe",
        "!!int ''", "!!timestamp x", "0x" + "f" * 5000, "9" * 5000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["description", "default"])
def test_what_json_cannot_hold_is_refused(value: str, place: str) -> None:
    text = (
        VALID + f"description: {value}\n"
        if place == "description"
        else VALID.replace("default: 3", f"default: {value}")
    )
    assert problems(text)[0].startswith("algorithm.yaml:")


def test_a_default_beyond_all_floats_is_checked() -> None:
    assert (
        "default of parameter" in problems(VALID.replace("minimum: 1", "maximum: 9").replace("3}", "9" * 400 + "}"))[0]
    )


@pytest.mark.parametrize("key", ["1", "true", "~", "2024-01-01", "[a]", "{a: b}", "1.5"])
def test_keys_are_texts(key: str) -> None:
    (found,) = problems(VALID + f"? {key}\n: x\n")
    assert found.startswith("algorithm.yaml:25: ")
    assert "key" in found

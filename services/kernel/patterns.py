"""Regular expressions of users: only those that are matched in bounded time. Standard library only."""

import re
from collections.abc import Iterator, Mapping

MAX_PATTERN_CHARACTERS = 200
MAX_REPEATS = 2
MAX_OPTIONAL = 3
MAX_TEXT_CHARACTERS = 4096
"""Of all texts together that are matched for one request."""

EXPECTED = (
    f"a regular expression of at most {MAX_PATTERN_CHARACTERS} characters without ( ) |, "
    f"with at most {MAX_REPEATS} of * + {{ when it begins with ^ and {MAX_REPEATS - 1} when not, "
    f"and at most {MAX_OPTIONAL} of ?"
)

Place = tuple[str, ...]


def is_safe_pattern(pattern: str) -> bool:
    """Whether `pattern` compiles, and needs at most about n² steps for a text of n characters.

    Backtracking multiplies: each repetition may try every length, and a search that is not anchored every start.
    """
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        return False
    operators = "".join(_operators(pattern))
    repeats = sum(operators.count(sign) for sign in "*+{") + (not pattern.startswith("^"))
    if set(operators) & set("()|") or repeats > MAX_REPEATS or operators.count("?") > MAX_OPTIONAL:
        return False
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def patterns_in(rule: object, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """The patterns of a parameter's JSON Schema, also of nested ones, each with its path in the schema."""
    waiting = [(place, rule)]
    while waiting:
        at, found = waiting.pop()
        if not isinstance(found, Mapping):
            continue
        if isinstance(found.get("pattern"), str):
            yield (*at, "pattern"), found["pattern"]
        waiting.append(((*at, "items"), found.get("items")))
        properties = found.get("properties")
        if isinstance(properties, Mapping):
            waiting += [((*at, "properties", str(name)), nested) for name, nested in properties.items()]


def overlong(rules: Mapping[str, object], values: Mapping[str, object]) -> str:
    """The parameter with which the texts to be matched get longer than `MAX_TEXT_CHARACTERS`; empty when none."""
    total = 0
    for name, rule in rules.items():
        if name in values and any(patterns_in(rule)):
            total += _characters(values[name])
        if total > MAX_TEXT_CHARACTERS:
            return name
    return ""


def _operators(pattern: str) -> Iterator[str]:
    """The characters of `pattern` that are neither escaped nor inside a character class."""
    at = 0
    while at < len(pattern):
        if pattern[at] == "[":
            at = _class_end(pattern, at)
        elif pattern[at] == "\\":
            at += 1
        else:
            yield pattern[at]
        at += 1


def _class_end(pattern: str, start: int) -> int:
    """Where the class that opens at `start` closes; a `]` that stands first is one of its characters."""
    at = start + 1
    at += pattern[at : at + 1] == "^"
    at += pattern[at : at + 1] == "]"
    while at < len(pattern) and pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at


def _characters(value: object) -> int:
    total, waiting = 0, [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            total += len(found)
        elif isinstance(found, Mapping):
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
    return total

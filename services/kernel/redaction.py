"""Keeps secrets out of the logs, whatever code logs them: by the name of the field, by shape, and by value."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

MASK = "***"

_DEPTH, _ITEMS = 6, 200
_SHORTEST = 6
"""Characters of a secret that is looked for by value; shorter ones would be found in ordinary words."""

_SENSITIVE = (
    r"(?:pass(?:word|wd|phrase)?|secret|token|(?:api|access|secret|private|token)[_\-]?key|credentials?|"
    r"authorization|cookie|x-modelyard-caller|signature)"
)
_NAME = re.compile(rf"(?:.*[_\-.])?{_SENSITIVE}(?:[_\-.](?:key|value|text|header|hash))?s?", re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"(?P<name>[\w\-]*{_SENSITIVE}[\"']?\s*[=:]\s*)(?:\"[^\"]*\"|'[^']*'|(?:Bearer\s+|Basic\s+)?[^\s\"',;&)}}\]]+)",
    re.IGNORECASE,
)
_SHAPES = (
    # user:password@ of a URI; the password may hold anything but what ends it
    (re.compile(r"(?P<head>\b[a-z][a-z0-9+.\-]*://[^\s/:@]*:)[^\s@]+(?=@)", re.IGNORECASE), rf"\g<head>{MASK}"),
    (re.compile(r"\b(?P<head>Bearer|Basic)\s+[A-Za-z0-9._~+/\-]{8,}=*", re.IGNORECASE), rf"\g<head> {MASK}"),
    (re.compile(r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]*"), MASK),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"(?P<head>[?&]X-Amz-[A-Z][\w\-]*=)[^&\s\"']+", re.IGNORECASE), rf"\g<head>{MASK}"),
)
_PLAIN = re.compile(r"(?!eyJ)[\w\-.]{0,60}", re.ASCII)  # names, ids, numbers: nothing that has a shape of its own
_HINTS = re.compile(rf"://|{_SENSITIVE}|bearer|basic|eyJ|BEGIN|X-Amz", re.IGNORECASE)


class _Known:
    """The values that this process was given as secrets."""

    def __init__(self) -> None:
        self.values: set[str] = set()
        self.pattern: re.Pattern[str] | None = None


_known = _Known()


def remember_secrets(values: Iterable[str]) -> None:
    """Mask these values too, wherever they turn up."""
    _known.values |= {value for value in values if len(value) >= _SHORTEST}
    longest_first = sorted(_known.values, key=len, reverse=True)
    _known.pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def masked_text(text: str) -> str:
    """`text` without what is a secret by its shape or value."""
    if _known.pattern is not None:
        text = _known.pattern.sub(MASK, text)
    if _PLAIN.fullmatch(text) or _HINTS.search(text) is None:
        return text
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    return _ASSIGNED.sub(rf"\g<name>{MASK}", text)


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Whether a field or variable of this name holds a secret."""
    return _NAME.fullmatch(name) is not None


def masked(value: object, name: str = "") -> object:
    """A value as it may be logged under `name`: containers are walked, unknown objects become their masked `repr`."""
    return _masked(value, name, _DEPTH)


def _masked(value: object, name: str, depth: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    secret = bool(name) and is_secret_name(name)
    if secret or isinstance(value, str):
        return masked_text(str(value)) if not secret else value and MASK
    if depth == 0:
        return masked_text(repr(value)[:_ITEMS])
    if isinstance(value, Mapping):
        return {str(key): _masked(item, str(key), depth - 1) for key, item in list(value.items())[:_ITEMS]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item, "", depth - 1) for item in list(value)[:_ITEMS]]
    return masked_text(repr(value))

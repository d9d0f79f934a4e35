"""Path templates of `google.api.http`: `/api/v1/datasets/{id}:online`, `{name=folders/*}`, `**`.

Grammar: https://github.com/googleapis/googleapis/blob/master/google/api/http.proto
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_TOKEN = re.compile(r"\{([a-z_][a-z0-9_.]*)(?:=([^{}]+))?\}|([^{}]+)")
_SEGMENT = "[^/:]+"


class BadTemplate(ValueError):
    """A proto holds a path that is no template."""


@dataclass(frozen=True)
class PathTemplate:
    """`pattern` matches a raw (percent-encoded) path; `variables` are field paths in the order of its groups."""

    text: str
    variables: tuple[str, ...]
    pattern: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> "PathTemplate":
        if not text.startswith("/") or _TOKEN.sub("", text):
            raise BadTemplate(f"not a path template: {text!r}")
        variables: list[str] = []
        pieces: list[str] = []
        for name, inner, literal in _TOKEN.findall(text):
            if name:
                variables.append(name)
                pieces.append(f"({_wildcards(inner or '*')})")
            else:
                pieces.append(_wildcards(literal))
        if len(set(variables)) != len(variables):
            raise BadTemplate(f"a variable stands twice in {text!r}")
        return cls(text, tuple(variables), re.compile("".join(pieces)))

    @property
    def openapi(self) -> str:
        """The path as OpenAPI writes it, without patterns inside the braces."""
        return re.sub(r"=[^{}]+\}", "}", self.text)

    def match(self, raw_path: str) -> dict[str, str] | None:
        """Decoded values by variable, or None. Raises UnicodeDecodeError for escapes that are not UTF-8."""
        found = self.pattern.fullmatch(raw_path)
        if found is None:
            return None
        return {
            name: unquote_to_bytes(value).decode("utf-8")
            for name, value in zip(self.variables, found.groups(), strict=True)
        }


def _wildcards(text: str) -> str:
    parts = re.split(r"(\*\*|\*)", text)
    known = {"**": ".+", "*": _SEGMENT}
    return "".join(known.get(part) or re.escape(part) for part in parts)

"""The little of Prometheus that tests need: names in queries and in what a process exports."""

import re
import urllib.request

_TEXT = re.compile(r"\"(?:[^\"\\\\]|\\\\.)*\"")
_METRIC = re.compile(r"\b(?:modelyard|process|nv)_[a-z0-9_]+\b")
_LABELS = re.compile(r"\{[^}]*\}|\bby \([^)]*\)")
_SERIES = {"histogram": ("_bucket", "_count", "_sum"), "summary": ("", "_count", "_sum")}


def metrics_in(query: str) -> set[str]:
    """The names of the series that a query reads, of ours, of Triton and of processes."""
    return set(_METRIC.findall(_LABELS.sub(" ", _TEXT.sub("", query))))


def exported(address: str) -> str:
    """What `host:port` answers at /metrics."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def series_in(text: str) -> set[str]:
    """The names of all series that an endpoint can have, also of those without a value yet."""
    found: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            found |= {f"{name}{suffix}" for suffix in _SERIES.get(kind, ("",))}
    return found


def value(text: str, series: str) -> float:
    """The sum of all samples whose line begins with `series` (a name, or a name with its first labels)."""
    lines = (line for line in text.splitlines() if line.startswith(series) and not line.startswith("#"))
    return sum(float(line.rpartition(" ")[2]) for line in lines)

"""The JSON logs of an instance's processes, found by task, workload or trace and merged by time."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

Record = dict[str, object]

_RELATED = ("run_id", "task_id", "workload_id")
"""What one looks for as well once a line names it together with a wanted id."""

_HIDDEN = frozenset({"timestamp", "level", "event", "program", "service", "role", "logger", "exception"})


@dataclass(frozen=True)
class Wanted:
    """Which lines: an id is that of a task, a run, a workload, a service or anything else that lines carry."""

    ids: tuple[str, ...] = ()
    trace: str = ""
    since: str = ""


def read(folder: Path) -> Iterator[Record]:
    """Every JSON line of every program, those of rotated files too; `program` says whose it is."""
    for path in sorted(folder.glob("*.log*"), key=_age):
        program = path.name.partition(".log")[0]
        with path.open("rb") as file:
            for line in file:
                if line.startswith(b"{"):
                    record = _parsed(line)
                    if record is not None:
                        yield {"program": program, **record}


def _age(path: Path) -> tuple[str, int]:
    name, _, number = path.name.partition(".log")
    return name, -int(number[1:]) if number[1:].isdecimal() else 0


def _parsed(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    ours = isinstance(record, dict) and isinstance(record.get("timestamp"), str) and "event" in record
    return record if ours else None


def select(records: Callable[[], Iterable[Record]], wanted: Wanted) -> list[Record]:
    """The wanted lines in the order of time.

    Lines that name an id lead to its runs, workloads and traces, and those to the lines that know nothing but them.
    `records` is called several times, so that the logs need not fit into memory.
    """
    ids, traces = set(wanted.ids), {wanted.trace} - {""}
    if ids:
        for record in records():
            if _names(record, ids):
                ids |= {text for name in _RELATED if (text := _text(record, name))}
        for record in records():
            if _names(record, ids) and (trace := _text(record, "trace_id")):
                traces.add(trace)
    found = [
        record
        for record in records()
        if (_names(record, ids) or _text(record, "trace_id") in traces) and _text(record, "timestamp") >= wanted.since
    ]
    return sorted(found, key=lambda record: _text(record, "timestamp"))


def _names(record: Record, ids: set[str]) -> bool:
    """Whether a line carries one of the ids; runs are called `<task>-<number>`."""
    return any(_is_one_of(name, value, ids) for name, value in record.items() if isinstance(value, str))


def _is_one_of(name: str, value: str, ids: set[str]) -> bool:
    if not name.endswith("_id") or name in ("trace_id", "event_id"):
        return False
    return value in ids or (name == "run_id" and value.rpartition("-")[0] in ids)


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def line(record: Record) -> str:
    """One line for people, and the exception below it."""
    rest = " ".join(f"{name}={_shown(value)}" for name, value in record.items() if name not in _HIDDEN)
    head = f"{_text(record, 'timestamp')} {_text(record, 'program'):<14} {_text(record, 'level'):<7} {record['event']}"
    told = f"{head}  {rest}".rstrip()
    exception = _text(record, "exception")
    return "\n".join([told, *(f"    {text}" for text in exception.splitlines())])


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return json.dumps(text, ensure_ascii=False) if " " in text or not text else text


def lines(folder: Path, wanted: Wanted, *, as_json: bool = False) -> Iterator[str]:
    """What to print: the wanted lines of the logs in `folder`."""
    for record in select(lambda: read(folder), wanted):
        yield json.dumps(record, ensure_ascii=False) if as_json else line(record)

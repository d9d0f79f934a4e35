"""What the commands print: tables for people, JSON for programs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def print_json(value: object) -> None:
    console.print_json(json.dumps(value, ensure_ascii=False))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table, or a line that says that there is nothing."""
    drawn = Table(*columns, box=None, header_style="bold", pad_edge=False)
    count = 0
    for row in rows:
        drawn.add_row(*(str(cell) for cell in row))
        count += 1
    console.print(drawn if count else "[dim]nothing yet[/dim]")


def fields(resource: Mapping[str, Any], names: Sequence[str]) -> None:
    """Some fields of one resource, one a line."""
    width = max(len(name) for name in names)
    for name in names:
        value = resource.get(name, "")
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
        console.print(f"[bold]{name:<{width}}[/bold]  {text}", markup=True)


def short_state(value: str) -> str:
    """`STATE_IMPORTED` as `imported`."""
    return value.removeprefix("STATE_").lower()

"""What the commands print: tables for people, JSON for programs."""

import json
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

console = Console(highlight=False, markup=False)
errors = Console(stderr=True, highlight=False, markup=False)


def print_json(value: object) -> None:
    console.print_json(json.dumps(value, ensure_ascii=False))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table, or a line that says that there is nothing. Ids stay whole, so that they can be copied."""
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for title in columns:
        drawn.add_column(title, no_wrap=title == "ID", overflow="fold")
    count = 0
    for row in rows:
        drawn.add_row(*(Text(str(cell)) for cell in row))
        count += 1
    console.print(drawn if count else Text("nothing yet", style="dim"))


def print_error(code: str, message: str) -> None:
    """One line on stderr; what stands in `message` is shown as it is."""
    errors.print(Text(code, style="red"), Text(message), soft_wrap=True)


def short_state(value: str) -> str:
    """`STATE_IMPORTED` as `imported`."""
    return value.removeprefix("STATE_").lower()

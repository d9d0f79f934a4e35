"""`modelyard events …`."""

import json
from typing import Annotated

import typer

from services.gateway.cli import output, session

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keeps `tail` a command of its own."""


@app.command()
def tail(
    cursor: Annotated[str, typer.Option(help="Begin after this cursor; 0 is the oldest event kept.")] = "",
    types: Annotated[list[str] | None, typer.Option("--type", help="For example dataset.onlined or task.*")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Events as they come."""
    with session.connect() as client:
        for _, event in client.events("/api/v1/events", last_id=cursor, types=types):
            if as_json:
                output.console.print(json.dumps(event, ensure_ascii=False), soft_wrap=True)
            else:
                line = f"{event['cursor']:>6}  {event['time']}  {event['type']:<22}  {event['subject']}"
                output.console.print(line, soft_wrap=True)

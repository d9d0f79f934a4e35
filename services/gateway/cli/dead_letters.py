"""`modelyard dead-letters …`."""

import time
from typing import Annotated

import typer

from services.gateway.cli import output, session
from services.gateway.client import Client
from services.gateway.client.api import JsonObject

app = typer.Typer(no_args_is_help=True)

PATH = "/api/v1/dead-letters"
SETTLES_S = 10.0
POLL_S = 0.2


@app.command("list")
def list_(
    queue: Annotated[str, typer.Option("--queue", help="Only those of this queue.")] = "",
    replayed: Annotated[bool, typer.Option("--replayed", help="Those that were replayed instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Events that their consumers could not handle, newest first."""
    state = "STATE_REPLAYED" if replayed else ""
    with session.connect() as client:
        found = list(client.pages(PATH, "dead_letters", queue=queue, state=state))
    if as_json:
        output.print_json(found)
        return
    rows = (
        (
            letter["id"],
            letter["queue"],
            letter.get("event_type") or "(no event)",
            letter["reason"],
            letter["died_at"][:19],
            _first_line(letter.get("replay_error") or letter.get("error", "")),
        )
        for letter in found
    )
    output.table(("ID", "QUEUE", "EVENT", "REASON", "DIED", "ERROR"), rows)


def _first_line(text: str) -> str:
    return text.splitlines()[0][:120] if text else ""


@app.command()
def show(letter_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """One dead letter with its message, as JSON."""
    with session.connect() as client:
        output.print_json(client.get(f"{PATH}/{letter_id}"))


@app.command()
def replay(
    letter_id: Annotated[str, typer.Argument(metavar="[ID]")] = "",
    queue: Annotated[str, typer.Option("--queue", help="All of this queue.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All of all queues.")] = False,
) -> None:
    """Hand dead letters to their consumers again; exit code 1 when one could not be handed over."""
    if sum((bool(letter_id), bool(queue), everything)) != 1:
        raise typer.BadParameter("one of ID, --queue and --all was expected")
    with session.connect() as client:
        if letter_id:
            client.post(f"{PATH}/{letter_id}:replay")
            _report_one(client, letter_id)
            return
        count = client.post(f"{PATH}:replay", {"queue": queue})["count"]
    told = f"{count} on their way; those that fail again come back to `modelyard dead-letters list`."
    output.console.print(told, soft_wrap=True)


def _report_one(client: Client, letter_id: str) -> None:
    letter = _settled(client, letter_id)
    if letter["state"] == "STATE_DEAD":
        output.print_error("NOT_REPLAYED", letter.get("replay_error") or f"It died again: {letter.get('error', '')}")
        raise typer.Exit(1)
    told = "replayed to" if letter["state"] == "STATE_REPLAYED" else "on its way to"
    output.console.print(f"{told} {letter['queue']}")


def _settled(client: Client, letter_id: str) -> JsonObject:
    deadline = time.monotonic() + SETTLES_S
    while True:
        letter = client.get(f"{PATH}/{letter_id}")
        if letter["state"] != "STATE_REPLAYING" or time.monotonic() > deadline:
            return letter
        time.sleep(POLL_S)


@app.command()
def drop(
    letter_id: Annotated[str, typer.Argument(metavar="ID")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Drop a dead letter: its event will never reach its consumer."""
    with session.connect() as client:
        letter = client.get(f"{PATH}/{letter_id}")
        what = f"{letter.get('event_type') or 'a message'} of {letter.get('subject') or letter['queue']}"
        if not yes:
            typer.confirm(f"Drop {what}? {letter['consumer']} will never see it", abort=True)
        client.delete(f"{PATH}/{letter_id}")
    output.console.print(f"dropped {what}", soft_wrap=True)

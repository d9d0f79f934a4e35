"""`modelyard gc`."""

import time
from typing import Annotated

import typer

from services.gateway.cli import output, session
from services.gateway.client import Client
from services.gateway.client.api import JsonObject

PATH = "/api/v1/garbage-collections"
POLL_S = 0.3


def collect(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Remove stored content that nothing refers to. It also runs by itself, daily; exit code 1 when it failed."""
    with session.connect() as client:
        found = _ended(client, client.post(PATH, {"dry_run": dry_run})["id"])
    if as_json:
        output.print_json(found)
    elif found["state"] == "STATE_DONE":
        _print(found)
    if found["state"] != "STATE_DONE":
        output.print_error("GARBAGE_NOT_COLLECTED", f"Nothing more was removed: {found['error']}")
        raise typer.Exit(1)


def _ended(client: Client, collection_id: str) -> JsonObject:
    while True:
        found = client.get(f"{PATH}/{collection_id}")
        if found["state"] in ("STATE_DONE", "STATE_FAILED"):
            return found
        time.sleep(POLL_S)


def _print(found: JsonObject) -> None:
    lines = (
        ("objects in the store", found["scanned"], ""),
        ("referred to", found["referenced"], ""),
        ("unused, but young", *_count(found, "young")),
        ("unused, waiting to be found so again", *_count(found, "waiting")),
        ("would be removed" if found.get("dry_run") else "removed", *_count(found, "removed")),
    )
    output.table(("", "OBJECTS", "SIZE"), lines)
    if missing := int(found.get("missing", 0)):
        output.print_error(
            "CONTENT_MISSING", f"{missing} referred to and not there: {', '.join(found['missing_names'])}"
        )


def _count(found: JsonObject, name: str) -> tuple[str, str]:
    counted = found.get(name, {})
    return str(counted.get("objects", 0)), size(int(counted.get("bytes", 0)))


def size(count: int) -> str:
    """Bytes for people, as `1.5 GiB`."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"

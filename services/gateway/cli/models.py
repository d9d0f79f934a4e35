"""`modelyard models …`."""

from pathlib import Path
from typing import Annotated

import typer

from services.gateway.cli import output, session

app = typer.Typer(no_args_is_help=True)

MODELS = "/api/v1/models"


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Models, newest first."""
    with session.connect() as client:
        found = list(client.pages(MODELS, "models"))
    if as_json:
        output.print_json(found)
        return
    rows = ((m["id"], m["name"], m["latest_version"], m["version_count"]) for m in found)
    output.table(("ID", "NAME", "LATEST", "VERSIONS"), rows)


@app.command()
def versions(model_id: str, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Versions of a model, newest first."""
    with session.connect() as client:
        found = list(client.pages(f"{MODELS}/{model_id}/versions", "model_versions"))
    if as_json:
        output.print_json(found)
        return
    rows = ((v["id"], v["number"], v["framework"], f"{v['scores']['accuracy']:.4f}", v["created_at"]) for v in found)
    output.table(("ID", "VERSION", "FRAMEWORK", "ACCURACY", "PUBLISHED"), rows)


@app.command()
def download(version_id: str, target: Annotated[Path, typer.Argument(help="File to write (zip).")]) -> None:
    """Download the folder of a version as a zip archive."""
    with (
        session.connect() as client,
        client.http.stream("GET", f"/api/v1/modelVersions/{version_id}:download") as answer,
    ):
        if not answer.is_success:
            answer.read()
            answer.raise_for_status()
        partial = target.with_name(target.name + ".partial")
        with partial.open("wb") as file:
            for chunk in answer.iter_bytes():
                file.write(chunk)
        partial.rename(target)
    output.console.print(str(target))

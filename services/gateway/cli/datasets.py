"""`modelyard datasets …`."""

import tarfile
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from services.gateway.cli import output, session
from services.gateway.client import ApiError, Client, upload_file
from services.gateway.client.api import JsonObject

app = typer.Typer(no_args_is_help=True)

DATASETS = "/api/v1/datasets"


class ImportFailed(ApiError):
    """An import that ended with problems, told as they are."""

    def __init__(self, dataset: JsonObject) -> None:
        problems = [_problem(problem) for problem in dataset.get("problems", [])]
        shown = "\n".join(f"  {line}" for line in problems[:20])
        more = f"\n  … {dataset['problem_count'] - 20} more" if dataset["problem_count"] > 20 else ""
        super().__init__(200, "IMPORT_FAILED", f"{dataset['problem_count']} problems:\n{shown}{more}", [])


def _problem(problem: JsonObject) -> str:
    place = problem.get("file", "") + (f":{problem['line']}" if problem.get("line") else "")
    expected = f" ({problem['expected']} expected)" if problem.get("expected") else ""
    return f"{place}: {problem['message']}{expected}" if place else f"{problem['message']}{expected}"


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Data sets, newest first."""
    with session.connect() as client:
        found = list(client.pages(DATASETS, "datasets"))
    if as_json:
        output.print_json(found)
        return
    rows = (
        (d["id"], d["name"], output.short_state(d["state"]), "online" if d["online"] else "", _count(d)) for d in found
    )
    output.table(("ID", "NAME", "STATE", "", "SAMPLES"), rows)


def _count(dataset: JsonObject) -> int:
    version = dataset.get("version") or {}
    return int(version.get("train_samples", 0)) + int(version.get("test_samples", 0))


@app.command()
def show(dataset_id: str) -> None:
    """One data set, as JSON."""
    with session.connect() as client:
        output.print_json(client.get(f"{DATASETS}/{dataset_id}"))


@app.command()
def create(
    name: str,
    source: Annotated[Path, typer.Argument(help="Archive (zip, tar, tar.gz), or a folder of class folders.")],
    kind: Annotated[str, typer.Option(help="`image` or `text`.")] = "image",
    test: Annotated[Path | None, typer.Option(help="Archive or folder of an independent test set.")] = None,
    online: Annotated[bool, typer.Option(help="Bring it online when it is imported.")] = True,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Create a data set, upload and import its samples."""
    with session.connect() as client:
        dataset = create_dataset(client, name, kind, independent=test is not None)
        dataset = import_folder(client, dataset["id"], source, test)
        if online:
            dataset = client.post(f"{DATASETS}/{dataset['id']}:online")
    if as_json:
        output.print_json(dataset)
    else:
        output.console.print(f"{dataset['id']}  {_count(dataset)} samples")


@app.command("online")
def online_(dataset_id: str) -> None:
    """Make a data set usable for training."""
    with session.connect() as client:
        client.post(f"{DATASETS}/{dataset_id}:online")


@app.command()
def offline(dataset_id: str) -> None:
    """Take a data set out of use."""
    with session.connect() as client:
        client.post(f"{DATASETS}/{dataset_id}:offline")


@app.command()
def delete(dataset_id: str) -> None:
    """Delete a data set that is offline."""
    with session.connect() as client:
        client.delete(f"{DATASETS}/{dataset_id}")


def create_dataset(client: Client, name: str, kind: str, *, independent: bool) -> JsonObject:
    body = {
        "name": name,
        "purpose": {"level1": kind, "level2": "classification"},
        "annotation_mode": "ANNOTATION_MODE_CLASSIFICATION",
        "format": "dir",
        "test_set_mode": "TEST_SET_MODE_INDEPENDENT" if independent else "TEST_SET_MODE_RATIO",
    }
    return client.post(DATASETS, body)


def import_folder(client: Client, dataset_id: str, source: Path, test: Path | None) -> JsonObject:
    """Upload archives (folders are packed first), import them and wait; raises `ImportFailed` with the problems."""
    body = {"upload_id": upload(client, source)}
    if test is not None:
        body["test_upload_id"] = upload(client, test)
    client.post(f"{DATASETS}/{dataset_id}:import", body)
    return wait_for_import(client, dataset_id)


def upload(client: Client, source: Path) -> str:
    """Upload an archive, or a folder as a tar archive, with a progress bar; returns the upload's id."""
    if not source.is_dir():
        return _upload_archive(client, source)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / f"{source.name or 'data'}.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(source, arcname=source.name or "data")
        return _upload_archive(client, archive)


def _upload_archive(client: Client, archive: Path) -> str:
    columns = (
        TextColumn("  upload {task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=output.errors) as progress:
        bar = progress.add_task(archive.name, total=archive.stat().st_size)
        return upload_file(client, archive, lambda done, _total: progress.update(bar, completed=done))


def wait_for_import(client: Client, dataset_id: str) -> JsonObject:
    columns = (
        TextColumn("  import {task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} files", markup=False),
    )
    with Progress(*columns, console=output.errors) as progress:
        bar = progress.add_task("waiting", total=None)
        for _, dataset in client.events(f"{DATASETS}/{dataset_id}:watch"):
            state = output.short_state(dataset["state"])
            if state == "imported":
                count = _count(dataset)
                progress.update(bar, description="done", total=count, completed=count)
                return dataset
            if state == "failed":
                raise ImportFailed(dataset)
            current = dataset.get("import_progress") or {}
            total = int(current.get("files_total", 0)) or None
            done = int(current.get("files_done", 0))
            progress.update(bar, description=current.get("phase") or "waiting", total=total, completed=done)
    raise ApiError(200, "UNAVAILABLE", "The stream ended before the import did.", [])

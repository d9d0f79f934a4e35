"""`modelyard tasks …` and `modelyard algorithms …`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from services.gateway.cli import datasets, output, session
from services.gateway.client import Client
from services.gateway.client.api import JsonObject

app = typer.Typer(no_args_is_help=True)
algorithms = typer.Typer(no_args_is_help=True)

TASKS = "/api/v1/tasks"
ALGORITHMS = "/api/v1/algorithms"


@algorithms.command("list")
def list_algorithms(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Algorithms, newest first."""
    with session.connect() as client:
        found = list(client.pages(ALGORITHMS, "algorithms"))
    if as_json:
        output.print_json(found)
        return
    rows = (
        (a["id"], a["name"], f"{a['purpose']['level1']}/{a['purpose']['level2']}", ", ".join(a["data_formats"]))
        for a in found
    )
    output.table(("ID", "NAME", "PURPOSE", "DATA"), rows)


@algorithms.command("create")
def create_algorithm(source: Annotated[Path, typer.Argument(help="Folder or archive with algorithm.yaml.")]) -> None:
    """Register an algorithm."""
    with session.connect() as client:
        algorithm = client.post(ALGORITHMS, {"upload_id": datasets.upload(client, source)})
        output.console.print(algorithm["id"])


@algorithms.command("online")
def online_algorithm(algorithm_id: str) -> None:
    """Make an algorithm usable for new tasks."""
    with session.connect() as client:
        client.post(f"{ALGORITHMS}/{algorithm_id}:online")


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Tasks, newest first."""
    with session.connect() as client:
        found = list(client.pages(TASKS, "tasks"))
    if as_json:
        output.print_json(found)
        return
    rows = ((t["id"], t["name"], output.short_state(t["state"]), f"{t['progress']:.0%}", accuracy(t)) for t in found)
    output.table(("ID", "NAME", "STATE", "PROGRESS", "ACCURACY"), rows)


def accuracy(task: JsonObject) -> str:
    return f"{task['scores']['accuracy']:.4f}" if task.get("scores") else ""


@app.command()
def show(task_id: str) -> None:
    """One task, as JSON."""
    with session.connect() as client:
        output.print_json(client.get(f"{TASKS}/{task_id}"))


@app.command()
def create(
    name: str,
    dataset: Annotated[str, typer.Option(help="Id of the data set.")],
    algorithm: Annotated[str, typer.Option(help="Id or name of the algorithm.")],
    share: Annotated[float, typer.Option(help="Share for training; 0 with an independent test set.")] = 0.9,
    seed: Annotated[int, typer.Option()] = 0,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="name=value, JSON or plain text.")] = None,
    start: Annotated[bool, typer.Option(help="Start it at once.")] = True,
) -> None:
    """Create a training task."""
    with session.connect() as client:
        body = {
            "name": name,
            "dataset_id": dataset,
            "algorithm_id": algorithm_id(client, algorithm),
            "train_share": share,
            "seed": seed,
            "parameters": json.dumps(parse_parameters(param or [])),
        }
        output.console.print(client.post(TASKS, body, start=start)["id"])


def parse_parameters(given: list[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for item in given:
        name, separator, text = item.partition("=")
        if not separator:
            raise typer.BadParameter(f"`{item}`: name=value was expected", param_hint="--param")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


def algorithm_id(client: Client, name_or_id: str) -> str:
    found = client.get(ALGORITHMS, name=name_or_id).get("algorithms", [])
    return str(found[0]["id"]) if found else name_or_id


@app.command()
def start(task_id: str) -> None:
    """Start a task, or start it again from 0 %."""
    with session.connect() as client:
        client.post(f"{TASKS}/{task_id}:start")


@app.command()
def stop(task_id: str) -> None:
    """Stop a training task."""
    with session.connect() as client:
        client.post(f"{TASKS}/{task_id}:stop")


@app.command()
def watch(task_id: str) -> None:
    """Follow a task until it ends; exit code 1 unless it finished."""
    with session.connect() as client:
        task = watch_task(client, task_id)
    if output.short_state(task["state"]) not in ("finished", "published"):
        raise typer.Exit(1)


def watch_task(client: Client, task_id: str) -> JsonObject:
    """Show live progress until the task has ended; the last state of the task."""
    task: JsonObject = {}
    columns = (
        TextColumn("  {task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=output.errors) as progress:
        bar = progress.add_task("waiting", total=1.0)
        for _, task in client.events(f"{TASKS}/{task_id}:watch"):
            progress.update(bar, description=describe(task), completed=task["progress"])
    if task.get("error"):
        output.print_error(task["error_reason"], task["error"])
    return task


def describe(task: JsonObject) -> str:
    state = output.short_state(task["state"])
    running = [step["name"] for step in task.get("steps", []) if step["state"] == "running"]
    if state == "waiting" and task.get("waiting_reason"):
        return f"waiting: {task['waiting_reason']}"
    return f"{state} {running[-1]}" if running and state == "training" else state


@app.command()
def logs(task_id: str, follow: Annotated[bool, typer.Option("--follow", "-f")] = False) -> None:
    """The log of the current run."""
    with session.connect() as client:
        for line in client.lines(f"{TASKS}/{task_id}/log", follow=follow):
            output.console.print(line, soft_wrap=True)


@app.command()
def report(task_id: str, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """The evaluation of a finished task."""
    with session.connect() as client:
        found = client.get(f"{TASKS}/{task_id}/report")
    if as_json:
        output.print_json(found)
    else:
        print_report(found)


def print_report(report: JsonObject) -> None:
    overall = report["overall"]
    figures = "  ".join(f"{name} {overall[name]:.4f}" for name in ("accuracy", "precision", "recall", "f1"))
    output.console.print(f"  {figures}  ({report['test_samples']} test samples)", soft_wrap=True)
    rows = (
        (f"  {c['class_name']}", f"{c['precision']:.3f}", f"{c['recall']:.3f}", f"{c['f1']:.3f}", c["support"])
        for c in report["per_class"]
    )
    output.table(("  CLASS", "PRECISION", "RECALL", "F1", "SAMPLES"), rows)


@app.command()
def publish(task_id: str, name: Annotated[str, typer.Option(help="Name of the model.")] = "") -> None:
    """Publish the model of a finished task, once."""
    with session.connect() as client:
        version = client.post(f"{TASKS}/{task_id}:publish", {"model_name": name})
        output.console.print(f"{version['id']}  {version['model_name']} {version['number']}")


@app.command()
def delete(task_id: str) -> None:
    """Delete a task that is not running."""
    with session.connect() as client:
        client.delete(f"{TASKS}/{task_id}")

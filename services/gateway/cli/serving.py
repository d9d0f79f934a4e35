"""`modelyard services …`."""

import base64
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from services.gateway.cli import output, session
from services.gateway.client import ApiError, Client
from services.gateway.client.api import JsonObject

app = typer.Typer(no_args_is_help=True)

SERVICES = "/api/v1/services"


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Services, newest first."""
    with session.connect() as client:
        found = list(client.pages(SERVICES, "services"))
    if as_json:
        output.print_json(found)
        return
    rows = (
        (s["id"], s["name"], output.short_state(s["state"]), f"{s['actual_load']}/{s['desired_load']}") for s in found
    )
    output.table(("ID", "NAME", "STATE", "LOAD"), rows)


@app.command()
def show(service_id: str) -> None:
    """One service, as JSON."""
    with session.connect() as client:
        output.print_json(client.get(f"{SERVICES}/{service_id}"))


@app.command()
def create(name: str, model_version: Annotated[str, typer.Option(help="Id of the model version.")]) -> None:
    """Create a service from a model version."""
    with session.connect() as client:
        output.console.print(client.post(SERVICES, {"name": name, "model_version_id": model_version})["id"])


@app.command()
def start(service_id: str, load: Annotated[int, typer.Option(help="Number of instances.")] = 1) -> None:
    """Start a service and wait until it answers."""
    with session.connect() as client:
        client.post(f"{SERVICES}/{service_id}:start", {"load": load})
        wait_until_running(client, service_id)


def wait_until_running(client: Client, service_id: str) -> JsonObject:
    """The running service; raises `ApiError` with what Triton or the scheduler says when it fails."""
    with output.errors.status("  starting") as status:
        for _, service in client.events(f"{SERVICES}/{service_id}:watch"):
            state = output.short_state(service["state"])
            if state == "running" and service["actual_load"] == service["desired_load"]:
                return service
            if state == "failed":
                raise ApiError(200, "SERVICE_FAILED", service["error"], [])
            status.update(f"  {state} {service.get('waiting_reason', '')}")
    raise ApiError(200, "UNAVAILABLE", "The stream ended before the service ran.", [])


@app.command()
def scale(service_id: str, load: int) -> None:
    """Change the load of a service."""
    with session.connect() as client:
        client.post(f"{SERVICES}/{service_id}:scale", {"load": load})
        wait_until_running(client, service_id)


@app.command()
def stop(service_id: str) -> None:
    """Stop a service; its address stays."""
    with session.connect() as client:
        client.post(f"{SERVICES}/{service_id}:stop")


@app.command()
def predict(
    service_id: str,
    text: Annotated[list[str] | None, typer.Option("--text", help="A text to judge.")] = None,
    image: Annotated[list[Path] | None, typer.Option("--image", help="An image file to judge.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Ask a service."""
    with session.connect() as client:
        interface = client.get(f"{SERVICES}/{service_id}")["interface"]
        name = interface["parameters"][0]["name"]
        values = [*(text or []), *(encode_image(path) for path in image or [])]
        if not values:
            raise typer.BadParameter("give at least one --text or --image")
        answer = client.post(f"{SERVICES}/{service_id}:predict", {"instances": [{"inputs": {name: v}} for v in values]})
    if as_json:
        output.print_json(answer)
        return
    for prediction in answer["predictions"]:
        output.console.print(f"{prediction['label']}  {prediction['confidence']:.4f}")


@app.command()
def requests(
    service_id: str,
    hours: Annotated[int, typer.Option(help="How far back.", min=1, max=24 * 90)] = 1,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Requests to a service: how many, how they ended, how long they took."""
    with session.connect() as client:
        found = client.get(f"{SERVICES}/{service_id}/statistics", window_s=3600 * hours, points=24)
    if as_json:
        output.print_json(found)
        return
    counts = ("answered", "refused", "failed")
    points = [(_local_time(point["start"]), point) for point in found["points"]] + [("all", found["total"])]
    rows = [
        (name, *(point[count] for count in counts), *(f"{point[f'p{share}_ms']:.3g}" for share in (50, 95, 99)))
        for name, point in points
        if any(int(point[count]) for count in counts)
    ]
    output.table(("FROM", "ANSWERED", "REFUSED", "FAILED", "P50 MS", "P95 MS", "P99 MS"), rows)


def _local_time(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def encode_image(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()

"""The commands."""

import sys
from typing import Annotated

import httpx
import typer

from services.gateway.cli import (
    cluster,
    datasets,
    dead_letters,
    demo,
    events,
    garbage,
    models,
    output,
    serving,
    session,
    tasks,
)
from services.gateway.client import ApiError, Client

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Train models and run them as services.")
app.add_typer(datasets.app, name="datasets", help="Create, import and bring online data sets.")
app.add_typer(tasks.algorithms, name="algorithms", help="The algorithm library.")
app.add_typer(tasks.app, name="tasks", help="Train: create, start, watch, log, report, publish.")
app.add_typer(models.app, name="models", help="Published models.")
app.add_typer(serving.app, name="services", help="Model services on Triton.")
app.add_typer(events.app, name="events", help="What happens on the platform.")
app.add_typer(dead_letters.app, name="dead-letters", help="Events that their consumers could not handle.")
app.add_typer(cluster.nodes, name="nodes", help="Nodes of the cluster; drain and resume them.")
app.add_typer(cluster.queues, name="queues", help="How the projects share the nodes; weights and limits.")
app.command("why")(cluster.why)
app.command("gc")(garbage.collect)
app.command("demo")(demo.demo)


@app.command()
def login(
    user: Annotated[str, typer.Option("--user", "-u", prompt=True, help="User name.")],
    password: Annotated[str, typer.Option("--password", prompt=True, hide_input=True, envvar="MODELYARD_PASSWORD")],
    url: Annotated[str, typer.Option("--url", help="Address of the platform.")] = "",
) -> None:
    """Sign in; the session is kept for the next commands."""
    address = url or session.default_url()
    with Client(address, patience_s=5.0) as client:
        client.sign_in(user, password)
        session.Stored(address, client.token).save()
    output.console.print(f"Signed in at {address} as {user}.")


@app.command()
def logout() -> None:
    """End the session."""
    with session.connect() as client:
        client.delete("/api/v1/sessions/current")
    session.store_path().unlink(missing_ok=True)
    output.console.print("Signed out.")


@app.command()
def whoami() -> None:
    """Who is signed in."""
    with session.connect() as client:
        output.print_json(client.get("/api/v1/users/current"))


def main() -> None:
    """Run a command; failures are one readable line on stderr and exit code 1."""
    try:
        app()
    except session.NotSignedIn as error:
        output.print_error("NOT_SIGNED_IN", str(error))
    except ApiError as error:
        output.print_error(error.status, error.message)
    except httpx.TransportError as error:
        output.print_error(
            "UNAVAILABLE", f"The platform does not answer at {session.default_url()}: {error}. Is it up?"
        )
    except KeyboardInterrupt:
        sys.exit(130)
    else:
        return
    sys.exit(1)

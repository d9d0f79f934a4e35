"""`modelyard logs`: what all processes of an embedded instance wrote about a task, a workload or a trace."""

from typing import Annotated

import typer

from deploy.embedded import logs
from deploy.embedded.settings import instance_from_environment
from deploy.operation import PANEL


def register(app: typer.Typer) -> None:
    app.command("logs", rich_help_panel=PANEL)(show)


def show(
    task: Annotated[str, typer.Option("--task", help="All that was done for a training task.")] = "",
    workload: Annotated[str, typer.Option("--workload", help="For one workload.")] = "",
    about: Annotated[str, typer.Option("--id", help="For anything else that has an id: a data set, a service.")] = "",
    trace: Annotated[str, typer.Option("--trace", help="In one trace, as in the header X-Request-Id.")] = "",
    since: Annotated[str, typer.Option("--since", help="From this time on, for example 2026-01-31T08:00.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The lines as they were written.")] = False,
) -> None:
    """The logs of all processes of this machine's instance by task or trace, merged by time."""
    ids = tuple(filter(None, (task, workload, about)))
    if not ids and not trace:
        raise typer.BadParameter("say whose logs: --task, --workload, --id or --trace")
    wanted = logs.Wanted(ids, trace, since)
    for text in logs.lines(instance_from_environment().logs, wanted, as_json=as_json):
        typer.echo(text)

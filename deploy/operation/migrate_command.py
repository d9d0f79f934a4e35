"""`modelyard migrate`."""

from typing import Annotated

import typer

from deploy.operation import PANEL


def register(app: typer.Typer) -> None:
    app.command("migrate", rich_help_panel=PANEL)(migrate)


def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Bring the databases to this release, while the platform is stopped. Killed, it goes on when run again."""
    from deploy.operation.migrating import describe, migrate_all, planned
    from deploy.operation.servers import connected, require_stopped
    from deploy.operation.settings import platform_settings

    with connected(platform_settings().mongo_uri.get_secret_value()) as client:
        steps = planned(client)
        for step in steps if dry_run else ():
            typer.echo(describe(step))
        if not steps:
            typer.echo("The databases are of this release.")
        elif not dry_run:
            require_stopped(client, "migrating")
            typer.echo(f"{migrate_all(client, typer.echo)} migrations applied")

"""The command `modelyard`: what speaks the public API (services.gateway.cli), and what speaks to the servers.

To add a command of the second kind, write a module below `deploy/operation` with `register(app)`, and name it here.
Its heavy imports belong inside the functions, so that `modelyard tasks list` does not wait for them.
"""

import importlib
import sys

import typer

from deploy.operation.errors import OperationError
from services.gateway.cli import app as public
from services.gateway.cli import output
from services.kernel.errors import DomainError

OPERATIONS = (
    "deploy.operation.migrate_command",
    "deploy.operation.backup.commands",
    "deploy.operation.doctor.command",
    "deploy.operation.ledger",
    "deploy.operation.logs",
)


def application() -> typer.Typer:
    """All commands."""
    for module in OPERATIONS:
        importlib.import_module(module).register(public.app)
    return public.app


def main() -> None:
    """Run a command; failures are one readable line on stderr and exit code 1."""
    application()
    try:
        public.main()
    except OperationError as error:
        output.print_error("FAILED", str(error))
    except DomainError as error:
        output.print_error(error.reason, error.message)
    else:
        return
    sys.exit(1)


if __name__ == "__main__":
    main()

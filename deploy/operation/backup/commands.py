"""`modelyard backup`, `restore` and `backups`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from deploy.operation import PANEL
from deploy.operation.errors import OperationError

_VARIABLE = "MODELYARD_BACKUP_PASSPHRASE"
Where = Annotated[Path, typer.Argument(help="A folder, or a file that ends in .zip.")]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help=f"Its first line seals the secrets; else {_VARIABLE}.")
]
backups = typer.Typer(no_args_is_help=True, help="Look into backups.")


def register(app: typer.Typer) -> None:
    app.command("backup", rich_help_panel=PANEL)(backup)
    app.command("restore", rich_help_panel=PANEL)(restore)
    app.add_typer(backups, name="backups", rich_help_panel=PANEL)


def _passphrase(file: Path | None) -> str | None:
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise OperationError(f"The passphrase cannot be read from {file}: {error}.") from None
        if not lines or not lines[0]:
            raise OperationError(f"The first line of {file} is empty; a passphrase is expected there.")
        return lines[0]
    return os.environ.get(_VARIABLE) or None


def backup(
    to: Where,
    passphrase_file: PassphraseFile = None,
    plain_secrets: Annotated[bool, typer.Option("--plain-secrets", help="Write the secrets as they are.")] = False,
    without_secrets: Annotated[bool, typer.Option("--without-secrets", help="Leave the secrets out.")] = False,
) -> None:
    """Back up databases, objects and secrets; the platform may run. A folder keeps what earlier backups have copied."""
    from deploy.operation.backup.take import secrets_of, take_backup
    from deploy.operation.settings import embedded_instance, platform_settings

    passphrase = _passphrase(passphrase_file)
    if passphrase is None and not (plain_secrets or without_secrets):
        raise OperationError(
            f"The secrets need a passphrase: --passphrase-file FILE or {_VARIABLE} "
            "(or say --plain-secrets or --without-secrets)."
        )
    settings = platform_settings()
    secrets = None if without_secrets else secrets_of(embedded_instance(), settings)
    made = take_backup(to, settings, secrets, None if plain_secrets else passphrase, typer.echo)
    typer.echo(f"backup {made.id} of {made.taken_at}: {made.documents} documents, {made.object_count} objects in {to}")
    if made.damaged:
        raise OperationError(
            f"The backup is complete, but {len(made.damaged)} objects were damaged in the object store already and "
            f"are not in it: {', '.join(made.damaged[:5])}{' …' if len(made.damaged) > 5 else ''}"
        )


def restore(
    source: Where,
    backup_id: Annotated[str, typer.Option("--id", help="Which backup of a folder; the newest by default.")] = "",
    passphrase_file: PassphraseFile = None,
    replace: Annotated[bool, typer.Option("--replace", help="Remove what the platform has now.")] = False,
) -> None:
    """Put a backup into an empty platform that does not run, and bring it up to this release. May be repeated."""
    from deploy.operation.backup.restore import restore_backup

    restore_backup(source, backup_id, _passphrase(passphrase_file), replace=replace, say=typer.echo)


@backups.command("verify")
def verify_(
    source: Where, backup_id: Annotated[str, typer.Option("--id", help="Which backup of a folder.")] = ""
) -> None:
    """Check every file and object of a backup against its checksum."""
    from deploy.operation.backup.sources import open_source
    from deploy.operation.backup.verify import verify

    with open_source(source, backup_id) as opened:
        verify(opened, typer.echo)


@backups.command("list")
def list_(folder: Where) -> None:
    """The finished backups of a folder (or the one of a file), oldest first."""
    from deploy.operation.backup.sources import backup_ids, open_source

    for backup_id in backup_ids(folder) if folder.is_dir() else [""]:
        with open_source(folder, backup_id) as opened:
            manifest = opened.manifest()
        held = f"{manifest.documents} documents, {manifest.object_count} objects"
        typer.echo(f"{manifest.id}  release {manifest.release}  {held}")

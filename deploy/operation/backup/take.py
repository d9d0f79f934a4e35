"""Taking a backup while the platform runs."""

import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from deploy.embedded.secrets import load_secrets
from deploy.embedded.settings import Instance
from deploy.operation.backup import databases, objects
from deploy.operation.backup.manifest import Manifest, StoredFile
from deploy.operation.backup.sealing import Values, seal
from deploy.operation.backup.targets import Target, open_target
from deploy.operation.errors import OperationError
from deploy.operation.servers import SERVICES, Client, connected, database_of
from services.kernel.config import KernelSettings
from services.kernel.storage.holds import Hold
from services.kernel.storage.migrations import applied
from services.kernel.storage.objects import MinioStore

Say = Callable[[str], None]
_FROM_ENVIRONMENT = ("token_key", "admin_password")


def secrets_of(instance: Instance | None, settings: KernelSettings) -> Values:
    """All secrets of an embedded instance; of another platform those that its data goes with."""
    if instance is not None:
        return asdict(load_secrets(instance.home))
    values = {"token_key": settings.token_key.get_secret_value()}
    return values | {
        name: os.environ[variable]
        for name in _FROM_ENVIRONMENT
        if os.environ.get(variable := f"MODELYARD_{name.upper()}")
    }


def take_backup(
    path: Path, settings: KernelSettings, secrets: Values | None, passphrase: str | None, say: Say
) -> Manifest:
    """Write a backup; what it holds. `secrets` None leaves them out, `passphrase` None writes them as they are.

    The databases are read as of one moment. Objects are copied after that, while nobody removes any.
    """
    taken = datetime.now(UTC)
    backup_id = taken.strftime("%Y%m%dT%H%M%S.%fZ")
    store = MinioStore(settings)
    with connected(settings.mongo_uri.get_secret_value()) as client, open_target(path, backup_id) as target:
        with Hold(client, f"backup-{backup_id}") as hold:
            taken_at, collections = databases.dump(client, target, say)
            listed = objects.copy(store, target, say)
            if not hold.was_kept():
                raise OperationError("The database was away for too long while objects were copied: take it again.")
        manifest = Manifest(
            id=backup_id,
            taken_at=taken_at.isoformat(),
            release=version("modelyard"),
            migrations=_migrations(client),
            collections=collections,
            objects=listed.listing,
            object_count=listed.objects,
            object_bytes=listed.size,
            secrets=_write_secrets(target, secrets, passphrase, backup_id),
            damaged=listed.damaged,
        )
        target.finish(manifest.to_bytes())
    return manifest


def _migrations(client: Client) -> dict[str, list[str]]:
    databases_ = (database_of(client, service) for service in SERVICES)
    return {database.name: sorted(applied(database)) for database in databases_}


def _write_secrets(target: Target, secrets: Values | None, passphrase: str | None, backup_id: str) -> StoredFile | None:
    if secrets is None:
        return None
    with target.file("secrets.json") as writer:
        writer.write(seal(secrets, passphrase, backup_id))
    return writer.file

"""Restoring: secrets, databases, objects, in this order, then what makes the platform safe to start."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo.collection import Collection

from deploy.embedded.secrets import secret_path, write_secrets
from deploy.embedded.settings import Instance
from deploy.embedded.stack import Stack
from deploy.operation.backup import databases, objects
from deploy.operation.backup.hashing import decompressed
from deploy.operation.backup.manifest import Manifest
from deploy.operation.backup.recovery import recover
from deploy.operation.backup.sealing import Values, unseal
from deploy.operation.backup.sources import Source, open_source
from deploy.operation.backup.verify import verify
from deploy.operation.errors import OperationError
from deploy.operation.migrating import migrate_all
from deploy.operation.servers import SERVICES, Client, connected, database_of, require_stopped
from deploy.operation.settings import embedded_instance, platform_settings
from services.kernel.config import KernelSettings
from services.kernel.storage.migrations import OPERATION, RECORDS, declared
from services.kernel.storage.objects import MinioStore, ObjectStore

Say = Callable[[str], None]
_OF_SERVERS = ("mongo_password", "mongo_keyfile", "amqp_password", "erlang_cookie", "s3_access_key", "s3_secret_key")


def restore_backup(path: Path, backup_id: str, passphrase: str | None, *, replace: bool, say: Say) -> Manifest:
    """Restore a verified backup; nothing is touched before. Broken off, it goes on where it was when repeated.

    Raises OperationError when the backup is damaged, of a newer release, or sealed with another passphrase; when the
    platform runs; when it holds data and `replace` is not set.
    """
    instance = embedded_instance()
    with open_source(path, backup_id) as source:
        manifest = verify(source, say)
        _require_known(manifest)
        secrets = _secrets(source, manifest, passphrase)
        if instance is not None:
            _start_servers(instance, secrets, replace, say)
        settings = platform_settings()
        with connected(settings.mongo_uri.get_secret_value()) as client:
            require_stopped(client, "restoring")
            restore_into(client, MinioStore(settings), source, manifest, replace=replace, say=say)
            migrate_all(client, say)
            recover(client, settings, say)
            client[OPERATION]["restores"].delete_many({})
    _tell_secrets(instance, settings, secrets, say)
    say(f"restored the backup {manifest.id} of {manifest.taken_at}; now start the platform")
    return manifest


def restore_into(
    client: Client, store: ObjectStore, source: Source, manifest: Manifest, *, replace: bool, say: Say
) -> None:
    """The data alone, as it was backed up. No process of the platform starts while the note that it began is there."""
    _Restore(client, store, source, manifest, say).run(replace=replace)


def _require_known(manifest: Manifest) -> None:
    for service in SERVICES:
        known = {migration.name for migration in declared(service)}
        newer = sorted(set(manifest.migrations.get(f"modelyard_{service}", [])) - known)
        if newer:
            raise OperationError(
                f"The backup is of a newer release, {manifest.release} (it has {', '.join(newer)}): install that one."
            )


def _secrets(source: Source, manifest: Manifest, passphrase: str | None) -> Values:
    if manifest.secrets is None:
        return {}
    with source.file(manifest.secrets) as reader:
        return unseal(reader.read(), passphrase, manifest.id)


def _start_servers(instance: Instance, secrets: Values, replace: bool, say: Say) -> None:
    """Give the instance its secrets and start its servers. Servers that have been set up keep their passwords.

    A broker that is to be replaced is emptied: its queues hold events that, after the restore, never happened.
    """
    stack = Stack(instance)
    running = [row.state.name for row in stack.status() if row.state.stage == "platform" and row.state.pid]
    if running:
        raise OperationError(f"The platform runs ({', '.join(running)}): stop it before restoring, with `make down`.")
    stack.down()
    if replace:
        shutil.rmtree(instance.data / "rabbitmq", ignore_errors=True)
    if any((instance.data / "mongod").glob("*")):
        secrets = {name: value for name, value in secrets.items() if name not in _OF_SERVERS}
    write_secrets(instance.home, secrets)
    Stack(instance).up(say, last_stage="servers", without=("triton",))


def _tell_secrets(instance: Instance | None, settings: KernelSettings, secrets: Values, say: Say) -> None:
    if instance is not None:
        say(f"the secrets are in {secret_path(instance.home, 'admin_password').parent}")
    elif secrets.get("token_key") not in (None, settings.token_key.get_secret_value()):
        say("MODELYARD_TOKEN_KEY is not that of the backup; nothing signed with it lives long, so that does no harm")


@dataclass(frozen=True)
class _Restore:
    """Writes what the backup holds. A row in the database of operation says how far it is."""

    client: Client
    store: ObjectStore
    source: Source
    manifest: Manifest
    say: Say

    def run(self, *, replace: bool) -> None:
        self._begin(replace)
        row = self._restores.find_one({"_id": self.manifest.id}) or {}
        if not row.get("emptied"):
            self._empty()
            self._note({"$set": {"emptied": True}})
        done = set(row.get("done", []))
        for collection in self.manifest.collections:
            name = f"{collection.database}.{collection.name}"
            if name not in done:
                with self.source.file(collection.file) as reader, decompressed(reader) as stream:
                    databases.load(self.client[collection.database], collection, stream)
                self._note({"$addToSet": {"done": name}})
        self.say(f"databases: {self.manifest.documents} documents")
        objects.restore(self.store, self.source, self.manifest, self.say)

    @property
    def _restores(self) -> Collection[dict[str, Any]]:
        return self.client[OPERATION]["restores"]

    def _note(self, change: dict[str, Any]) -> None:
        self._restores.update_one({"_id": self.manifest.id}, change)

    def _begin(self, replace: bool) -> None:
        """Note that the platform is being restored, so that no process of it starts."""
        others = [row["_id"] for row in self._restores.find({"_id": {"$ne": self.manifest.id}}, {"_id": 1})]
        if others and not replace:
            raise OperationError(
                f"The restore of the backup {others[0]} was broken off: repeat that one, or give --replace."
            )
        if self._restores.find_one({"_id": self.manifest.id}) is None:
            held = self._what_is_there()
            if held and not replace:
                raise OperationError(f"The platform is not empty ({held}): restore into a new one, or give --replace.")
            self._restores.insert_one({"_id": self.manifest.id, "emptied": False, "done": []})
        self._restores.delete_many({"_id": {"$ne": self.manifest.id}})

    def _what_is_there(self) -> str:
        for service in SERVICES:
            database = database_of(self.client, service)
            for name in database.list_collection_names():
                if name != RECORDS and database[name].find_one({}, {"_id": 1}) is not None:
                    return f"{database.name} has documents in {name}"
        key = next(self.store.list(""), None)
        return f"the object store has {key}" if key else ""

    def _empty(self) -> None:
        for service in SERVICES:
            self.client.drop_database(database_of(self.client, service).name)
        objects.remove_all(self.store)

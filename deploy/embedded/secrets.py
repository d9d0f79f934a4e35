"""Passwords and keys of one instance: made at its first start, mode 0600, never printed."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, repr=False)
class Secrets:
    """Every field is a file `<home>/secrets/<field with dashes>`."""

    mongo_password: str
    mongo_keyfile: str
    amqp_password: str
    erlang_cookie: str
    s3_access_key: str
    s3_secret_key: str
    token_key: str
    admin_password: str


def secret_path(home: Path, name: str) -> Path:
    return home / "secrets" / name.replace("_", "-")


def _create(path: Path, value: str) -> None:
    """Write the file whole or not at all, and never over one that is there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, value.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def write_secrets(home: Path, values: Mapping[str, str]) -> None:
    """Give an instance these secrets in place of those it has; each is replaced whole or not at all."""
    folder = home / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = {item.name for item in fields(Secrets)}
    for name in sorted(known & values.keys()):
        path = secret_path(home, name)
        fresh = path.with_name(f".{path.name}.restored")
        fresh.unlink(missing_ok=True)
        _create(fresh, values[name])
        fresh.replace(path)


def _new_value(name: str) -> str:
    # letters and digits only: the values stand in URIs, Erlang terms and MongoDB's base64 key file
    length = {"mongo_keyfile": 96, "token_key": 48, "admin_password": 12, "s3_access_key": 10}.get(name, 20)
    return secrets.token_hex(length)


def load_secrets(home: Path) -> Secrets:
    """The instance's secrets; those that are missing are made."""
    folder = home / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    values: dict[str, str] = {}
    for item in fields(Secrets):
        path = secret_path(home, item.name)
        if not path.exists():
            _create(path, _new_value(item.name))
        values[item.name] = path.read_text().strip()
    return Secrets(**values)

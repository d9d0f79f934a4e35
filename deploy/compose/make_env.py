#!/usr/bin/env python3
"""Makes the secrets of a Compose installation: `.env` beside this file, mode 0600.

What is there stays: a second run adds only what a newer release needs. Standard library only, for any Python from 3.9.
"""

import argparse
import base64
import hashlib
import os
import secrets
import sys
from pathlib import Path

BYTES = {
    "MODELYARD_MONGO_ROOT_PASSWORD": 20,
    "MODELYARD_MONGO_PASSWORD": 20,
    "MODELYARD_MONGO_KEYFILE": 96,
    "MODELYARD_AMQP_PASSWORD": 20,
    "MODELYARD_SUBSCRIBER_PASSWORD": 20,
    "MODELYARD_S3_ACCESS_KEY": 10,
    "MODELYARD_S3_SECRET_KEY": 20,
    "MODELYARD_S3_ADMIN_ACCESS_KEY": 10,
    "MODELYARD_S3_ADMIN_SECRET_KEY": 20,
    "MODELYARD_TOKEN_KEY": 48,
    "MODELYARD_ADMIN_PASSWORD": 12,
    "MODELYARD_GRAFANA_PASSWORD": 12,
}
"""Variables and the bytes of randomness in them; written in hexadecimal, since they stand in URIs and JSON."""

HASHES = {
    "MODELYARD_AMQP_PASSWORD_HASH": "MODELYARD_AMQP_PASSWORD",
    "MODELYARD_SUBSCRIBER_PASSWORD_HASH": "MODELYARD_SUBSCRIBER_PASSWORD",
}
"""What RabbitMQ is told instead of a password, and the password."""


def rabbitmq_hash(password: str) -> str:
    """RabbitMQ's salted SHA-256: base64(salt ‖ sha256(salt ‖ password)), 4 bytes of salt."""
    salt = hashlib.sha256(password.encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def read(path: Path) -> dict[str, str]:
    """The assignments of the file, without comments; none when it is not there."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    parts = (line.partition("=") for line in lines if not line.startswith("#"))
    return {name: value for name, equals, value in parts if equals}


def completed(known: dict[str, str]) -> dict[str, str]:
    """What is missing in `known`. A hash always follows its password, also one that was changed by hand."""
    made = {name: secrets.token_hex(size) for name, size in BYTES.items() if not known.get(name)}
    everything = {**known, **made}
    hashes = {name: rabbitmq_hash(everything[password]) for name, password in HASHES.items()}
    return {**made, **{name: value for name, value in hashes.items() if known.get(name) != value}}


def write(path: Path, text: str) -> None:
    """Replace the file whole or not at all; only its owner may read it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, default=Path(__file__).resolve().parent / ".env")
    path = parser.parse_args().file
    added = completed(read(path))
    present = path.read_text().splitlines() if path.exists() else []
    kept = [line for line in present if line.split("=", 1)[0].strip() not in added]
    write(path, "\n".join([*kept, *(f"{name}={value}" for name, value in added.items())]) + "\n")
    sys.stdout.write(f"{path}: {len(added)} values made, the others kept\n")


if __name__ == "__main__":
    main()

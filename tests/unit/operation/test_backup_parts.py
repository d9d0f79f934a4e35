"""Manifest and secrets of a backup, without a server."""

import json
from dataclasses import replace

import pytest

from deploy.operation.backup.manifest import Collection, Manifest, StoredFile, parse_manifest
from deploy.operation.backup.sealing import seal, unseal
from deploy.operation.errors import OperationError

FILE = StoredFile("databases/modelyard_trainer/tasks.bson.gz", "ab" * 32, 5)
MANIFEST = Manifest(
    id="20260101T000000.000000Z",
    taken_at="2026-01-01T00:00:00+00:00",
    release="0.1.0",
    migrations={"modelyard_trainer": ["0001-one"]},
    collections=[Collection("modelyard_trainer", "tasks", 1, FILE, "[]", "{}")],
    objects=StoredFile("objects.jsonl.gz", "cd" * 32, 7),
    object_count=0,
    object_bytes=0,
    secrets=StoredFile("secrets.json", "ef" * 32, 9),
)


@pytest.mark.parametrize("manifest", [MANIFEST, replace(MANIFEST, secrets=None, damaged=["blobs/aa/…"])])
def test_a_manifest_is_read_as_it_was_written(manifest: Manifest) -> None:
    assert parse_manifest(manifest.to_bytes()) == manifest


def test_every_flipped_bit_of_a_manifest_is_seen() -> None:
    content = MANIFEST.to_bytes()
    for at in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[at] ^= 1 << bit
            with pytest.raises(OperationError, match="damaged"):
                parse_manifest(bytes(damaged))


@pytest.mark.parametrize("size", [0, 1, 100, -1])
def test_half_a_manifest_is_none(size: int) -> None:
    with pytest.raises(OperationError, match="damaged"):
        parse_manifest(MANIFEST.to_bytes()[:size])


def test_a_later_format_is_refused() -> None:
    with pytest.raises(OperationError, match="format 2"):
        parse_manifest(replace(MANIFEST, format=2).to_bytes())


@pytest.mark.parametrize("place", [("admin", "system.users"), ("modelyard_trainer", "system.views"), ("other", "x")])
def test_only_collections_of_the_platform_are_taken(place: tuple[str, str]) -> None:
    foreign = replace(MANIFEST, collections=[Collection(*place, 1, FILE, "[]", "{}")])
    with pytest.raises(OperationError, match="no collection of the platform"):
        parse_manifest(foreign.to_bytes())


def test_secrets_are_sealed_for_one_passphrase_and_one_backup() -> None:
    values = {"token_key": "x" * 48, "admin_password": "密码"}
    sealed = seal(values, "open sesame", "backup-1")
    assert b"xxxx" not in sealed
    assert sealed != seal(values, "open sesame", "backup-1")
    assert unseal(sealed, "open sesame", "backup-1") == values
    for passphrase, backup_id in (("open sesam", "backup-1"), ("open sesame", "backup-2")):
        with pytest.raises(OperationError, match="passphrase is not the one"):
            unseal(sealed, passphrase, backup_id)
    with pytest.raises(OperationError, match="--passphrase-file"):
        unseal(sealed, None, "backup-1")


def test_secrets_without_a_passphrase_stand_as_they_are() -> None:
    assert json.loads(seal({"a": "b"}, None, "backup-1")) == {"plain": {"a": "b"}}
    assert unseal(seal({"a": "b"}, None, "backup-1"), "any", "backup-1") == {"a": "b"}

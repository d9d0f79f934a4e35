"""Secrets in a backup: AES-256-GCM under a key that scrypt makes from a passphrase."""

import base64
import hashlib
import json
import secrets

from Crypto.Cipher import AES

from deploy.operation.errors import OperationError

_COST, _BLOCK, _PARALLEL = 1 << 15, 8, 1
_MEMORY = 64 << 20
Values = dict[str, str]


def seal(values: Values, passphrase: str | None, backup_id: str) -> bytes:
    """The content of `secrets.json`; without a passphrase the values stand in it as they are."""
    plain = json.dumps(values, sort_keys=True).encode()
    if passphrase is None:
        return json.dumps({"plain": values}, sort_keys=True).encode()
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    cipher = AES.new(_key(passphrase, salt), AES.MODE_GCM, nonce=nonce)
    cipher.update(backup_id.encode())
    data, tag = cipher.encrypt_and_digest(plain)
    parts = {"salt": salt, "nonce": nonce, "data": data, "tag": tag}
    told: dict[str, object] = {name: base64.b64encode(value).decode() for name, value in parts.items()}
    return json.dumps(
        told | {"cipher": "AES-256-GCM", "kdf": "scrypt", "n": _COST, "r": _BLOCK, "p": _PARALLEL}
    ).encode()


def is_sealed(content: bytes) -> bool:
    return "plain" not in json.loads(content)


def unseal(content: bytes, passphrase: str | None, backup_id: str) -> Values:
    """OperationError when the passphrase is missing or wrong."""
    told = json.loads(content)
    if "plain" in told:
        plain: Values = told["plain"]
        return plain
    if passphrase is None:
        raise OperationError("The secrets of this backup are sealed: give its passphrase with --passphrase-file.")
    salt, nonce, data, tag = (base64.b64decode(told[name]) for name in ("salt", "nonce", "data", "tag"))
    cipher = AES.new(_key(passphrase, salt), AES.MODE_GCM, nonce=nonce)
    cipher.update(backup_id.encode())
    try:
        found: Values = json.loads(cipher.decrypt_and_verify(data, tag))
    except ValueError:
        raise OperationError("The passphrase is not the one with which the secrets were sealed.") from None
    return found


def _key(passphrase: str, salt: bytes) -> bytes:
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, maxmem=_MEMORY, dklen=32)

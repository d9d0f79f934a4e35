"""Where the command line finds the platform and who it is."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from services.gateway.client import Client

DEFAULT_URL = "http://127.0.0.1:18000"
PATIENCE_S = 5.0
"""How long a command waits for a platform that does not answer; longer, a person thinks that it hangs."""


class NotSignedIn(Exception):
    """There is no token; the message says what to do."""


def store_path() -> Path:
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "modelyard" / "session.json"


@dataclass(frozen=True)
class Stored:
    """What `modelyard login` keeps, mode 0600."""

    url: str
    token: str

    def save(self) -> None:
        path = store_path()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"url": self.url, "token": self.token}, file)

    @classmethod
    def load(cls) -> "Stored | None":
        try:
            content = json.loads(store_path().read_text(encoding="utf-8"))
            return cls(url=content["url"], token=content["token"])
        except (OSError, ValueError, KeyError):
            return None


def default_url() -> str:
    """From `MODELYARD_URL`, the embedded stack's environment, the last sign-in, or the default port."""
    if url := os.environ.get("MODELYARD_URL"):
        return url
    if address := os.environ.get("MODELYARD_GATEWAY_HTTP"):
        return f"http://{address}"
    stored = Stored.load()
    return stored.url if stored else DEFAULT_URL


def connect(*, patience_s: float = PATIENCE_S) -> Client:
    """A signed-in client: by `MODELYARD_TOKEN`, by the embedded stack's environment, or by `modelyard login`."""
    url = default_url()
    if token := os.environ.get("MODELYARD_TOKEN"):
        return Client(url, token, patience_s=patience_s)
    if password := os.environ.get("MODELYARD_ADMIN_PASSWORD"):
        client = Client(url, patience_s=patience_s)
        client.sign_in("admin", password)
        return client
    stored = Stored.load()
    if stored is None or stored.url != url:
        raise NotSignedIn(f"Not signed in at {url}: run `modelyard login` first.")
    return Client(url, stored.token, patience_s=patience_s)


def grpc_address(url: str) -> str:
    """`host:port` of the gRPC front: from `MODELYARD_GATEWAY_GRPC`, or the port after that of HTTP."""
    if address := os.environ.get("MODELYARD_GATEWAY_GRPC"):
        return address
    parts = urlsplit(url)
    return f"{parts.hostname}:{(parts.port or 80) + 1}"

"""The process itself: both roles together, started and stopped as the supervisor does it."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from services.gateway.config import MIB, GatewaySettings, host_and_port
from services.gateway.uploads.models import LOCK_S
from services.kernel.storage.objects import MinioStore
from services.kernel.storage.uploads import open_upload
from tests.integration.gateway.conftest import PASSWORD, Running, gateway_settings_for, sign_in
from tests.integration.gateway.fakes import FakeDatasets
from tests.integration.gateway.test_uploads import PART, TUS
from tests.support.polling import eventually
from tests.support.servers import Servers

ROOT = Path(__file__).resolve().parents[3]


def environment(settings: GatewaySettings) -> dict[str, str]:
    secret = {name: getattr(settings, name).get_secret_value() for name in ("mongo_uri", "amqp_uri", "token_key")}
    plain = {name: str(getattr(settings, name)) for name in ("s3_endpoint", "gateway_http", "gateway_grpc")}
    keys = {name: getattr(settings, name).get_secret_value() for name in ("s3_access_key", "s3_secret_key")}
    named = secret | plain | keys | {"admin_password": PASSWORD}
    return {f"MODELYARD_{name.upper()}": value for name, value in named.items()} | {"PATH": os.environ["PATH"]}


@pytest.fixture
def process(servers: Servers, tmp_path: Path) -> Iterator[tuple["subprocess.Popen[bytes]", Running]]:
    settings = gateway_settings_for(servers, "127.0.0.1:9", "127.0.0.1:9")
    with (tmp_path / "log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "services.gateway", "gateway", "control"],
            cwd=ROOT,
            env=environment(settings),
            stderr=log,
        )
        running = Running(settings, FakeDatasets())
        try:
            eventually(lambda: started.poll() is not None or _lives(running), timeout=60)
            assert started.poll() is None, (tmp_path / "log").read_text()[-3000:]
            yield started, running
        finally:
            started.kill()
            started.wait()


def _lives(running: Running) -> bool:
    try:
        return httpx.get(f"{running.url}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_sigterm_ends_streams_and_the_process(process: tuple["subprocess.Popen[bytes]", Running]) -> None:
    started, running = process
    running.token = sign_in(running)
    with running.client() as client, client.stream("GET", "/api/v1/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": open"
        began = time.monotonic()
        started.send_signal(signal.SIGTERM)
        rest = "\n".join(lines)
        assert "event: error" in rest
        assert "RESTARTING" in rest
    assert started.wait(8) == 0
    assert time.monotonic() - began < 8


def test_uploads_go_on_after_the_process_was_killed(
    process: tuple["subprocess.Popen[bytes]", Running], tmp_path: Path
) -> None:
    started, running = process
    running.token = sign_in(running)
    data = random.Random(1).randbytes(20 * MIB)
    with running.client() as client:
        made = client.post("/api/v1/uploads", headers=TUS | {"Upload-Length": str(len(data))})
        location = made.headers["location"]
        with socket.create_connection(host_and_port(running.settings.gateway_http)) as line:
            line.sendall(request_head(running, location, len(data)) + data[: 18 * MIB])
            eventually(lambda: client.head(location, headers=TUS).headers["upload-offset"] == str(16 * MIB))
            started.kill()
            started.wait()
    with again(running, tmp_path), running.client() as client:
        assert client.head(location, headers=TUS).headers["upload-offset"] == str(16 * MIB)
        headers = PART | {"Upload-Offset": str(16 * MIB)}
        # The lock of the killed process lasts a while.
        eventually(
            lambda: client.patch(location, content=data[16 * MIB :], headers=headers).status_code == 204,
            timeout=LOCK_S + 10,
            interval=0.5,
        )
        _, content = open_upload(MinioStore(running.settings), location.rpartition("/")[2])
        assert content.read() == data


def request_head(running: Running, location: str, length: int) -> bytes:
    headers = PART | running.headers | {"Host": "x", "Upload-Offset": "0", "Content-Length": str(length)}
    lines = [f"PATCH {location} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@contextmanager
def again(running: Running, tmp_path: Path) -> Iterator[None]:
    """The process once more, until the end of the block; it must end well."""
    with (tmp_path / "again").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "services.gateway", "gateway"],
            cwd=ROOT,
            env=environment(running.settings),
            stderr=log,
        )
    try:
        eventually(lambda: _lives(running), timeout=60)
        yield
    finally:
        started.terminate()
        assert started.wait(10) == 0


def test_a_killed_process_forgets_nobody(process: tuple["subprocess.Popen[bytes]", Running], tmp_path: Path) -> None:
    started, running = process
    running.token = sign_in(running)
    started.kill()
    started.wait()
    with again(running, tmp_path), running.client() as client:
        assert client.get("/api/v1/users/current").json()["name"] == "admin"

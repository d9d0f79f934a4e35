"""Processes of the services, as the supervisor would start them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import grpc

from services.kernel.config import KernelSettings
from tests.support.polling import eventually
from tests.support.servers import Servers

ROOT = Path(__file__).parents[2]


def settings_of(servers: Servers) -> KernelSettings:
    """What a process of the instance reads from its environment."""
    return kernel_settings_of(servers.environment)


def kernel_settings_of(environment: Mapping[str, str]) -> KernelSettings:
    prefix = "MODELYARD_"
    values = {
        name.removeprefix(prefix).lower(): value for name, value in environment.items() if name.startswith(prefix)
    }
    return KernelSettings.model_validate({name: values[name] for name in KernelSettings.model_fields if name in values})


@contextmanager
def service_process(servers: Servers, service: str, *roles: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m services.<service> ROLES` until the end of the block; its output goes to the file `log`."""
    environment = {**os.environ, **servers.environment, "PYTHONPATH": str(ROOT)}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"services.{service}", *roles],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]") -> int:
    """SIGTERM, and the exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def answers(settings: KernelSettings, service: str, timeout: float = 40.0) -> None:
    """Wait until the service's gRPC server takes connections."""
    with grpc.insecure_channel(settings.address_of(service)) as channel:
        ready = grpc.channel_ready_future(channel)
        eventually(lambda: _is_ready(ready), timeout)


def _is_ready(ready: "grpc.Future[None]") -> bool:
    try:
        ready.result(timeout=1)
    except grpc.FutureTimeoutError:
        return False
    return True

"""Settings of the gateway, read from the environment once."""

import tempfile
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr

from services.kernel.config import KernelSettings

MIB = 1024 * 1024
GIB = 1024 * MIB


class GatewaySettings(KernelSettings):
    """Sizes in bytes, times in seconds. Every field is the environment variable `MODELYARD_<FIELD>`."""

    home: Path | None = None
    gateway_http: str = "127.0.0.1:18000"
    triton_http: str = "127.0.0.1:18025"
    triton_grpc: str = "127.0.0.1:18026"
    admin_password: SecretStr | None = Field(default=None, min_length=8)

    session_idle_s: int = Field(default=12 * 3600, ge=60)
    session_limit_s: int = Field(default=7 * 24 * 3600, ge=60)
    console_https: bool = False
    """Whether browsers come over HTTPS; their cookies then go nowhere else."""
    sign_in_free_attempts: int = Field(default=5, ge=1)
    sign_in_longest_wait_s: int = Field(default=900, ge=1)

    body_limit: int = Field(default=MIB, ge=1024)
    large_body_limit: int = Field(default=64 * MIB, ge=1024)
    body_idle_s: float = Field(default=30, gt=0)
    header_limit: int = Field(default=32 * 1024, ge=1024)
    header_time_s: float = Field(default=15, gt=0)
    request_time_s: float = Field(default=60, gt=0)
    connection_limit: int = Field(default=2000, ge=10)
    streams_per_caller: int = Field(default=64, ge=1)
    uploads_per_caller: int = Field(default=8, ge=1)
    rate_per_s: float = Field(default=100, gt=0)
    rate_burst: int = Field(default=400, ge=1)
    inference_rate_per_s: float = Field(default=2000, gt=0)
    inference_rate_burst: int = Field(default=4000, ge=1)

    upload_limit: int = Field(default=64 * GIB, ge=1)
    upload_idle_s: int = Field(default=24 * 3600, ge=60)
    upload_kept_s: int = Field(default=7 * 24 * 3600, ge=60)
    upload_concurrency: int = Field(default=16, ge=1)

    @property
    def work_folder(self) -> Path:
        """Scratch space, in the state folder of a single machine or the system's own."""
        return (self.home or Path(tempfile.gettempdir()) / "modelyard") / "work" / "gateway"


@lru_cache
def gateway_settings() -> GatewaySettings:
    return GatewaySettings()  # type: ignore[call-arg]  # the fields come from the environment


def host_and_port(address: str) -> tuple[str, int]:
    """`127.0.0.1:80` or `[::1]:80` as host and port."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)

"""Settings that every process needs, read from the environment once."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


@dataclass(frozen=True)
class TlsFiles:
    """PEM files: the certificate of this process, its key, and the authority that signed those of all services."""

    certificate: Path
    key: Path
    authority: Path


class KernelSettings(BaseSettings):
    """Addresses and keys of the servers. Every field is the environment variable `MODELYARD_<FIELD>`.

    `<service>_grpc` is where others reach a service: `host:port`, or a gRPC target for several copies, such as
    `dns:///dataset-rpc:18010` or `ipv4:127.0.0.1:18010,127.0.0.1:18060`. `grpc_listen` is where this process listens,
    by default the same. With `grpc_tls_*` (PEM files) services speak TLS, and each shows a certificate of the CA.
    """

    model_config = SettingsConfigDict(env_prefix="MODELYARD_", frozen=True, extra="ignore")

    mongo_uri: SecretStr
    amqp_uri: SecretStr
    s3_endpoint: str
    s3_access_key: SecretStr
    s3_secret_key: SecretStr
    s3_bucket: str = "modelyard"
    s3_region: str = "us-east-1"
    s3_secure: bool = False
    token_key: SecretStr = Field(min_length=32)
    log_level: str = "info"
    log_format: str = Field(default="json", pattern="^(json|console)$")
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0

    grpc_listen: str = ""
    grpc_tls_cert: Path | None = None
    grpc_tls_key: Path | None = None
    grpc_tls_ca: Path | None = None

    dataset_grpc: str = "127.0.0.1:18010"
    algorithm_grpc: str = "127.0.0.1:18011"
    trainer_grpc: str = "127.0.0.1:18012"
    scheduler_grpc: str = "127.0.0.1:18013"
    serving_grpc: str = "127.0.0.1:18014"
    gateway_grpc: str = "127.0.0.1:18001"

    def address_of(self, service: str) -> str:
        """The gRPC target of a service: one address or several copies."""
        address: str = getattr(self, f"{service}_grpc")
        return address

    def listen_address_of(self, service: str) -> str:
        """`host:port` where this process listens when it is a copy of `service`."""
        return self.grpc_listen or self.address_of(service)

    @property
    def grpc_tls(self) -> TlsFiles | None:
        """None: services speak plainly, which is for one machine and for networks of their own."""
        if self.grpc_tls_cert and self.grpc_tls_key and self.grpc_tls_ca:
            return TlsFiles(self.grpc_tls_cert, self.grpc_tls_key, self.grpc_tls_ca)
        return None

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        given = [self.grpc_tls_cert, self.grpc_tls_key, self.grpc_tls_ca]
        if any(given) and not all(given):
            raise ValueError("set MODELYARD_GRPC_TLS_CERT, MODELYARD_GRPC_TLS_KEY and MODELYARD_GRPC_TLS_CA, or none")
        return self


@lru_cache
def kernel_settings() -> KernelSettings:
    return KernelSettings()  # type: ignore[call-arg]  # the fields come from the environment

"""Settings that every process needs, read from the environment once."""

from functools import lru_cache

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class KernelSettings(BaseSettings):
    """Addresses and keys of the servers. Every field is the environment variable `MODELYARD_<FIELD>`."""

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
    metrics_port: int = 0

    dataset_grpc: str = "127.0.0.1:18010"
    algorithm_grpc: str = "127.0.0.1:18011"
    trainer_grpc: str = "127.0.0.1:18012"
    scheduler_grpc: str = "127.0.0.1:18013"
    serving_grpc: str = "127.0.0.1:18014"
    gateway_grpc: str = "127.0.0.1:18001"

    def address_of(self, service: str) -> str:
        """`host:port` of a service's gRPC server."""
        address: str = getattr(self, f"{service}_grpc")
        return address


@lru_cache
def kernel_settings() -> KernelSettings:
    return KernelSettings()  # type: ignore[call-arg]  # the fields come from the environment

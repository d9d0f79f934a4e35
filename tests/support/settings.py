"""Settings of the kernel for tests that talk to real servers."""

from pydantic import SecretStr

from services.kernel.config import KernelSettings
from tests.support.servers import Servers


def kernel_settings_for(servers: Servers) -> KernelSettings:
    return KernelSettings(
        mongo_uri=SecretStr(servers.mongo_uri),
        amqp_uri=SecretStr(servers.amqp_uri),
        s3_endpoint=servers.s3_endpoint,
        s3_access_key=SecretStr(servers.s3_access_key),
        s3_secret_key=SecretStr(servers.s3_secret_key),
        token_key=SecretStr("a key for tests only, of 32 letters or more"),
    )


def environment_of(settings: KernelSettings) -> dict[str, str]:
    """The variables from which a child process reads the same settings."""
    return {
        "MODELYARD_MONGO_URI": settings.mongo_uri.get_secret_value(),
        "MODELYARD_AMQP_URI": settings.amqp_uri.get_secret_value(),
        "MODELYARD_S3_ENDPOINT": settings.s3_endpoint,
        "MODELYARD_S3_ACCESS_KEY": settings.s3_access_key.get_secret_value(),
        "MODELYARD_S3_SECRET_KEY": settings.s3_secret_key.get_secret_value(),
        "MODELYARD_TOKEN_KEY": settings.token_key.get_secret_value(),
    }

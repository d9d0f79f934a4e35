"""The servers alone, without the platform: for tests and for developing a service by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded import mongodb, rabbitmq
from deploy.embedded.objectstore import BUCKET
from deploy.embedded.settings import Instance
from deploy.embedded.stack import Stack


@dataclass(frozen=True)
class Servers:
    """Addresses and credentials of running servers; `environment` is the full MODELYARD_* configuration."""

    instance: Instance
    mongo_uri: str
    amqp_uri: str
    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: str
    s3_bucket: str
    token_key: str
    triton_grpc: str
    triton_http: str
    environment: dict[str, str]


def start_servers(
    home: Path, port_base: int, *, triton: bool = False, say: Callable[[str], None] = lambda line: None
) -> Servers:
    """Start RabbitMQ, MongoDB and the object store (and Triton) in `home`; returns when they answer. Idempotent.

    Raises:
        EmbeddedError: a port of the range is taken, or a server does not come up.
    """
    stack = Stack(Instance(home=home, port_base=port_base))
    stack.up(say, without=() if triton else ("triton",), last_stage="servers")
    return describe(stack)


def describe(stack: Stack) -> Servers:
    instance, secrets = stack.instance, stack.secrets
    return Servers(
        instance=instance,
        mongo_uri=mongodb.mongo_uri(instance, secrets),
        amqp_uri=rabbitmq.amqp_uri(instance, secrets),
        s3_endpoint=instance.address("objectstore"),
        s3_access_key=secrets.s3_access_key,
        s3_secret_key=secrets.s3_secret_key,
        s3_bucket=BUCKET,
        token_key=secrets.token_key,
        triton_grpc=instance.address("triton"),
        triton_http=instance.address("triton-http"),
        environment=stack.environment(),
    )


def stop_servers(home: Path, port_base: int) -> None:
    """Stop everything that `start_servers` started; the state in `home` stays."""
    Stack(Instance(home=home, port_base=port_base)).down()

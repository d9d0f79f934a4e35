"""Everything that an instance runs, as data: add a process of the platform here."""

import sys
from dataclasses import dataclass

from deploy.embedded import mongodb, objectstore, rabbitmq, triton
from deploy.embedded.program import Program
from deploy.embedded.secrets import Secrets
from deploy.embedded.settings import CHECKOUT, METRICS_OFFSET, Instance, runtime_folder


@dataclass(frozen=True)
class Process:
    """`python -m services.<service> <roles>`; `port` names what it listens on (a key of PORT_OFFSETS)."""

    name: str
    service: str
    roles: tuple[str, ...]
    port: str | None = None


PROCESSES = (
    Process("dataset", "dataset", ("rpc", "control", "worker"), "dataset"),
    Process("algorithm", "algorithm", ("rpc", "control"), "algorithm"),
    Process("trainer", "trainer", ("rpc", "control"), "trainer"),
    Process("trainer-events", "trainer", ("events",)),
    Process("scheduler", "scheduler", ("rpc", "control"), "scheduler"),
    Process("agent", "scheduler", ("agent",)),
    Process("serving", "serving", ("rpc", "control"), "serving"),
    Process("serving-events", "serving", ("events",)),
    Process("gateway", "gateway", ("gateway", "control"), "gateway-http"),
)

_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE")
_PASSED_ON_PREFIXES = ("OTEL_", "CUDA_", "NVIDIA_", "MODELYARD_")
_NOT_PASSED_ON = ("MODELYARD_METRICS_PORT",)


def environment(instance: Instance, secrets: Secrets) -> dict[str, str]:
    """The platform's whole configuration, the same for every process."""
    return {
        "MODELYARD_HOME": str(instance.home),
        "MODELYARD_PORT_BASE": str(instance.port_base),
        "MODELYARD_MONGO_URI": mongodb.mongo_uri(instance, secrets),
        "MODELYARD_AMQP_URI": rabbitmq.amqp_uri(instance, secrets),
        "MODELYARD_S3_ENDPOINT": instance.address("objectstore"),
        "MODELYARD_S3_ACCESS_KEY": secrets.s3_access_key,
        "MODELYARD_S3_SECRET_KEY": secrets.s3_secret_key,
        "MODELYARD_S3_BUCKET": objectstore.BUCKET,
        "MODELYARD_S3_REGION": objectstore.REGION,
        "MODELYARD_S3_SECURE": "false",
        "MODELYARD_TOKEN_KEY": secrets.token_key,
        "MODELYARD_ADMIN_PASSWORD": secrets.admin_password,
        "MODELYARD_DATASET_GRPC": instance.address("dataset"),
        "MODELYARD_ALGORITHM_GRPC": instance.address("algorithm"),
        "MODELYARD_TRAINER_GRPC": instance.address("trainer"),
        "MODELYARD_SCHEDULER_GRPC": instance.address("scheduler"),
        "MODELYARD_SERVING_GRPC": instance.address("serving"),
        "MODELYARD_GATEWAY_GRPC": instance.address("gateway"),
        "MODELYARD_GATEWAY_HTTP": instance.address("gateway-http"),
        "MODELYARD_TRITON_GRPC": instance.triton_grpc or instance.address("triton"),
        "MODELYARD_TRITON_HTTP": instance.triton_http or instance.address("triton-http"),
        "MODELYARD_TRITON_REPOSITORY": str(instance.triton_repository),
        "MODELYARD_RUNTIME_PYTHON": str(runtime_folder() / "bin" / "python"),
        "MODELYARD_AGENT_HOME": str(instance.agent_home),
    }


def _passed_on(instance: Instance) -> dict[str, str]:
    return {
        name: value
        for name, value in instance.inherited.items()
        if (name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)) and name not in _NOT_PASSED_ON
    }


def server_programs(instance: Instance, secrets: Secrets, *, with_triton: bool) -> list[Program]:
    """The servers of this instance, without those that somebody else runs."""
    programs = [] if instance.amqp_uri else rabbitmq.programs(instance)
    programs += [mongodb.program(instance), objectstore.program(instance, secrets)]
    if with_triton and not instance.triton_grpc:
        programs.append(triton.program(instance))
    return programs


def platform_programs(instance: Instance, secrets: Secrets) -> list[Program]:
    """Gateway and services."""
    shared = _passed_on(instance) | environment(instance, secrets) | {"PYTHONUNBUFFERED": "1"}
    return [
        Program(
            process.name,
            (sys.executable, "-m", f"services.{process.service}", *process.roles),
            "platform",
            shared | {"MODELYARD_METRICS_PORT": str(instance.port_base + METRICS_OFFSET + index)},
            CHECKOUT,
            instance.address(process.port) if process.port else "",
        )
        for index, process in enumerate(PROCESSES)
    ]

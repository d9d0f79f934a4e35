"""Everything that an instance runs, as data: add a process of the platform here."""

import sys
from dataclasses import dataclass

from deploy.embedded import mongodb, objectstore, rabbitmq, triton
from deploy.embedded.program import Program
from deploy.embedded.secrets import Secrets
from deploy.embedded.settings import CHECKOUT, METRICS_OFFSET, Instance, copy_name, runtime_folder


@dataclass(frozen=True)
class Process:
    """`python -m services.<service> <roles>`; `port` names what it listens on (a key of PORT_OFFSETS).

    `copied`: as many run as the instance has copies.
    """

    name: str
    service: str
    roles: tuple[str, ...]
    port: str | None = None
    copied: bool = True


PROCESSES = (
    Process("dataset", "dataset", ("rpc", "control", "worker"), "dataset"),
    Process("algorithm", "algorithm", ("rpc", "control"), "algorithm"),
    Process("trainer", "trainer", ("rpc", "control"), "trainer"),
    Process("trainer-events", "trainer", ("events",)),
    Process("scheduler", "scheduler", ("rpc", "control"), "scheduler"),
    Process("agent", "scheduler", ("agent",), copied=False),
    Process("serving", "serving", ("rpc", "control"), "serving"),
    Process("serving-events", "serving", ("events",)),
    Process("gateway", "gateway", ("gateway", "control"), "gateway-http"),
)

_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE")
_PASSED_ON_PREFIXES = ("OTEL_", "CUDA_", "NVIDIA_", "MODELYARD_")
_NOT_PASSED_ON = ("MODELYARD_METRICS_PORT", "MODELYARD_GRPC_LISTEN")


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
        "MODELYARD_DATASET_GRPC": instance.target("dataset"),
        "MODELYARD_ALGORITHM_GRPC": instance.target("algorithm"),
        "MODELYARD_TRAINER_GRPC": instance.target("trainer"),
        "MODELYARD_SCHEDULER_GRPC": instance.target("scheduler"),
        "MODELYARD_SERVING_GRPC": instance.target("serving"),
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
    """Gateway and services, first one copy of each."""
    copies = [(process, 1) for process in PROCESSES]
    copies += [(process, copy) for copy in range(2, instance.copies + 1) for process in PROCESSES if process.copied]
    shared = _passed_on(instance) | environment(instance, secrets) | {"PYTHONUNBUFFERED": "1"}
    return [
        Program(
            copy_name(process.name, copy),
            (sys.executable, "-m", f"services.{process.service}", *process.roles),
            "platform",
            shared | _listening(instance, process, copy) | {"MODELYARD_METRICS_PORT": str(_metrics_port(instance, at))},
            CHECKOUT,
            instance.address(copy_name(process.port, copy)) if process.port else "",
        )
        for at, (process, copy) in enumerate(copies)
    ]


def _metrics_port(instance: Instance, at: int) -> int:
    return instance.port_base + METRICS_OFFSET + at


def _listening(instance: Instance, process: Process, copy: int) -> dict[str, str]:
    """The addresses of one copy, where they are not what everybody is told."""
    if process.service == "gateway":
        return {
            "MODELYARD_GATEWAY_HTTP": instance.address(copy_name("gateway-http", copy)),
            "MODELYARD_GATEWAY_GRPC": instance.address(copy_name("gateway", copy)),
        }
    return {"MODELYARD_GRPC_LISTEN": instance.address(copy_name(process.port, copy))} if process.port else {}

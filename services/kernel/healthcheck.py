"""Whether the process beside which this is called works, as a command for containers: exit code 0 or 1 and a line.

`python -m services.kernel.healthcheck grpc|http|metrics|lease`, with the environment of the process. Only `grpc` loads
more than the standard library, since a command that runs every few seconds in every container has to be small.
"""

import http.client
import os
import re
import sys
import time
from collections.abc import Callable, Mapping

TIMEOUT_S = 5.0
LEASE_SILENCE_S = 20.0
"""A process that asked for its lease longer ago than this does not work, or has no database."""

LEASE_ASKED = "modelyard_control_lease_asked_timestamp_seconds"

Environment = Mapping[str, str]


class Unhealthy(Exception):
    """What is wrong, in words for people."""


def _own(address: str) -> str:
    """The address as this machine itself reaches it."""
    host, _, port = address.rpartition(":")
    return f"{'127.0.0.1' if host in ('0.0.0.0', '[::]', '') else host}:{port}"  # noqa: S104  # compared, not bound


def _get(address: str, path: str) -> str:
    connection = http.client.HTTPConnection(_own(address), timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise Unhealthy(f"http://{_own(address)}{path}: {error!r}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise Unhealthy(f"http://{_own(address)}{path}: HTTP {answer.status}")
    return body


def _required(environment: Environment, name: str) -> str:
    value = environment.get(name)
    if not value:
        raise Unhealthy(f"{name} is not set: this check needs it")
    return value


def http_answers(environment: Environment) -> None:
    _get(_required(environment, "MODELYARD_GATEWAY_HTTP"), "/healthz")


def metrics_answer(environment: Environment) -> str:
    host = environment.get("MODELYARD_METRICS_HOST") or "127.0.0.1"
    return _get(f"{host}:{_required(environment, 'MODELYARD_METRICS_PORT')}", "/metrics")


def lease_is_asked_for(environment: Environment) -> None:
    """The active copy renews the control lease, the others ask for it: all of them keep asking."""
    found = re.search(rf"^{LEASE_ASKED}(?:{{.*}})? (\S+)$", metrics_answer(environment), re.MULTILINE)
    if found is None:
        raise Unhealthy("the metrics say nothing of a control lease")
    silence = time.time() - float(found[1])
    if silence > LEASE_SILENCE_S:
        raise Unhealthy(f"the control lease was last asked for {silence:.0f} s ago")


def grpc_serves(environment: Environment) -> None:
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    from services.kernel.config import kernel_settings
    from services.kernel.grpc.channels import open_to

    address = _own(_required(environment, "MODELYARD_GRPC_LISTEN"))
    with open_to(address, kernel_settings().grpc_tls) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            raise Unhealthy(f"gRPC on {address}: {error.code().name}") from error
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise Unhealthy(f"gRPC on {address} is not serving")


CHECKS: Mapping[str, Callable[[Environment], object]] = {
    "grpc": grpc_serves,
    "http": http_answers,
    "metrics": metrics_answer,
    "lease": lease_is_asked_for,
}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in CHECKS:
        sys.stderr.write(f"expected one of: {', '.join(CHECKS)}\n")
        return 2
    try:
        CHECKS[arguments[0]](os.environ)
    except Unhealthy as unhealthy:
        sys.stdout.write(f"{unhealthy}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

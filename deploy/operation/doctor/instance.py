"""All checks of an embedded instance, and those of servers that are reached by settings."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields

from deploy.embedded.secrets import Secrets, secret_path
from deploy.embedded.settings import Instance
from deploy.embedded.supervisor import Supervisor
from deploy.operation.doctor import broker, machine, programs, servers
from deploy.operation.settings import platform_settings
from services.kernel.config import KernelSettings
from services.kernel.diagnosis import Finding, Level, examined

Look = Callable[[], Iterable[Finding]]


def instance_findings(instance: Instance, *, platform_answers: bool) -> Iterator[Finding]:
    home, supervisor = instance.home, Supervisor(instance)
    looks: dict[str, Look] = {
        "disk": lambda: machine.disk(home),
        "secrets": lambda: machine.secrets(home),
        "settings": lambda: machine.settings(os.environ),
        "programs": lambda: programs.programs(instance, supervisor),
        "processes": lambda: machine.orphans(instance, supervisor.pid()),
        "work folders": lambda: machine.scratch(home),
    }
    for name, look in looks.items():
        yield from examined(name, look)
    if any(not secret_path(home, item.name).is_file() for item in fields(Secrets)):
        return  # what follows would make new ones
    settings = platform_settings()
    found = list(server_findings(settings, platform_answers=platform_answers))
    yield from found
    well = {finding.check for finding in found if finding.level is Level.OK}
    if "rabbitmq" in well and instance.amqp_uri is None:
        yield from examined("queues", lambda: broker.inside(instance))
    if "mongodb" in well and platform_answers:
        yield from _of_databases(settings, leases_only=True)
    address = instance.triton_http or instance.address("triton-http")
    yield from examined("triton", lambda: servers.triton(address))


def server_findings(settings: KernelSettings, *, platform_answers: bool) -> Iterator[Finding]:
    """MongoDB, RabbitMQ and the object store; what the services have written when they cannot tell it themselves."""
    with servers.client_of(settings) as client:
        found = examined("mongodb", lambda: servers.mongodb(client))
    yield from found
    yield from examined("rabbitmq", lambda: broker.reachable(settings.amqp_uri.get_secret_value()))
    yield from examined("object store", lambda: servers.object_store(settings))
    if not platform_answers and found[0].level is Level.OK:
        yield from _of_databases(settings, leases_only=False)


def _of_databases(settings: KernelSettings, *, leases_only: bool) -> list[Finding]:
    with servers.client_of(settings) as client:
        return examined("databases", lambda: servers.conditions(client, leases_only=leases_only))

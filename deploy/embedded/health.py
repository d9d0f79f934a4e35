"""Whether a program that runs also answers."""

from deploy.embedded import mongodb, objectstore, rabbitmq, triton
from deploy.embedded.probes import accepts, http_ok
from deploy.embedded.program import Program
from deploy.embedded.secrets import Secrets
from deploy.embedded.settings import Instance


def answers(program: Program, instance: Instance, secrets: Secrets) -> bool:
    """One probe; for mongod also one step of its first set-up."""
    match program.name:
        case "mongod":
            return mongodb.make_ready(instance, secrets)
        case "rabbitmq":
            return rabbitmq.answers(instance, secrets)
        case "objectstore":
            return objectstore.answers(instance, secrets)
        case "triton":
            return triton.answers(instance)
        case "gateway" | "gateway-2":
            return http_ok(program.address, "/healthz")
        case _:
            return not program.address or accepts(program.address)

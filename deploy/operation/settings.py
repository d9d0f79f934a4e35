"""Which platform a command is about: the one that the environment names, else the embedded instance of this machine."""

import os
from collections.abc import Mapping

from pydantic import ValidationError

from deploy.embedded.settings import EmbeddedError, Instance, instance_from_environment
from deploy.embedded.stack import Stack
from deploy.operation.errors import OperationError
from services.kernel.config import KernelSettings

_NAMED_BY = "MODELYARD_MONGO_URI"


def embedded_instance(environ: Mapping[str, str] | None = None) -> Instance | None:
    """The embedded instance, or None when the environment names servers (Compose, or servers of one's own).

    After `eval "$(python -m deploy.embedded env)"` the environment names the servers of the embedded instance itself.
    """
    environ = os.environ if environ is None else environ
    try:
        instance = instance_from_environment(environ)
    except EmbeddedError as error:
        raise OperationError(str(error)) from error
    named = environ.get(_NAMED_BY, "")
    return instance if not named or instance.address("mongod") in named else None


def platform_settings(environ: Mapping[str, str] | None = None) -> KernelSettings:
    """Addresses and keys of the servers. OperationError says what is missing."""
    environ = os.environ if environ is None else environ
    instance = embedded_instance(environ)
    if instance is not None:
        if not (instance.home / "secrets").is_dir():
            raise OperationError(
                f"There is no instance in {instance.home}: start it with `make up`, or set MODELYARD_HOME."
            )
        environ = Stack(instance).environment()
    names = {name: f"MODELYARD_{name.upper()}" for name in KernelSettings.model_fields}
    try:
        return KernelSettings(**{name: environ[key] for name, key in names.items() if environ.get(key)})  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = ", ".join(names[str(problem["loc"][0])] for problem in error.errors())
        raise OperationError(f"The environment does not name the servers: missing or wrong are {wrong}.") from None

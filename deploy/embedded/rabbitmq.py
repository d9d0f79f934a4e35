"""RabbitMQ from the system's package, apart from any system broker: own node, port mapper, cookie, user and files."""

import base64
import hashlib
import json
import os
import shutil
from pathlib import Path

import amqp

from deploy.embedded.program import Program
from deploy.embedded.secrets import Secrets
from deploy.embedded.settings import LOOPBACK, EmbeddedError, Instance

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
USER = "modelyard"
# Not dependent on the ports: the node's name is part of where its queues are kept.
NODE = "modelyard@localhost"
_WATCH = Path(__file__).with_name("rabbitmq_watch.erl")


def amqp_uri(instance: Instance, secrets: Secrets) -> str:
    return instance.amqp_uri or f"amqp://{USER}:{secrets.amqp_password}@{instance.address('rabbitmq')}//"


def require_installed() -> None:
    if not SERVER.exists() or shutil.which("epmd") is None:
        raise EmbeddedError(
            "RabbitMQ is not installed: install the package rabbitmq-server, "
            "or set MODELYARD_AMQP_URI to a broker that is there"
        )


def _password_hash(password: str) -> str:
    """RabbitMQ's salted SHA-256: base64(salt ‖ sha256(salt ‖ password)), 4 bytes of salt."""
    salt = hashlib.sha256(password.encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _definitions(secrets: Secrets) -> dict[str, object]:
    """Imported at every start, so that a first start that was interrupted is made good by the next."""
    return {
        "users": [
            {
                "name": USER,
                "password_hash": _password_hash(secrets.amqp_password),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "administrator",
            }
        ],
        "vhosts": [{"name": "/"}],
        "permissions": [{"user": USER, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}],
    }


def _private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _configuration(instance: Instance, folder: Path) -> str:
    return "\n".join(
        [
            f"listeners.tcp.1 = {instance.address('rabbitmq')}",
            f"load_definitions = {folder / 'definitions.json'}",
            # Not to the console: Erlang stops logging there for ever when supervisord, which reads it, is killed.
            "log.console = false",
            "log.file = broker.log",
            "log.file.level = info",
            "log.file.rotation.size = 10485760",
            "log.file.rotation.count = 3",
            "disk_free_limit.absolute = 512MB",
            "vm_memory_high_watermark.absolute = 1GB",
            # What is in the log of the queues is in memory as well; the default is 512 MiB.
            "raft.wal_max_size_bytes = 16777216",
            "",
        ]
    )


def prepare(instance: Instance, secrets: Secrets) -> None:
    """Write configuration, definitions and cookie."""
    require_installed()
    folder = instance.data / "rabbitmq"
    (folder / "mnesia").mkdir(parents=True, exist_ok=True)
    _private(folder / ".erlang.cookie", secrets.erlang_cookie)
    _private(folder / "definitions.json", json.dumps(_definitions(secrets)))
    _private(folder / "rabbitmq.conf", _configuration(instance, folder))
    (folder / "enabled_plugins").write_text("[].\n")
    shutil.copyfile(_WATCH, folder / _WATCH.name)


def control_environment(instance: Instance) -> dict[str, str]:
    folder = instance.data / "rabbitmq"
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(instance.port("epmd")),
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_DIST_PORT": str(instance.port("rabbitmq-dist")),
        # absent on purpose: neither the system's environment file nor its configuration is read
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "config"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(instance.logs),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        # split at spaces, without regard to quotes
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false "
        f'-eval file:script(filename:join(os:getenv("HOME"),"{_WATCH.name}"))',
    }


def _is_new(folder: Path) -> bool:
    """Whether no broker has run here: queues have to be made before events are published that would miss them.

    Later it need not be awaited, which takes the longest, for events wait in the outbox.
    """
    nodes = folder / "mnesia"
    return not nodes.is_dir() or not any(nodes.iterdir())


def programs(instance: Instance) -> list[Program]:
    """The port mapper, which would otherwise outlive the broker as a daemon, and the broker."""
    environment = control_environment(instance)
    folder = instance.data / "rabbitmq"
    return [
        Program(
            "epmd",
            (shutil.which("epmd") or "epmd", "-port", environment["ERL_EPMD_PORT"], "-address", LOOPBACK),
            "ground",
            environment,
            folder,
            instance.address("epmd"),
            stop_wait=5,
        ),
        Program(
            "rabbitmq",
            (str(SERVER),),
            "servers",
            environment,
            folder,
            instance.address("rabbitmq"),
            stop_wait=60,
            awaited=_is_new(folder),
        ),
    ]


def answers(instance: Instance, secrets: Secrets) -> bool:
    """Whether the broker lets the platform's user in."""
    connection = amqp.Connection(
        host=instance.address("rabbitmq"), userid=USER, password=secrets.amqp_password, connect_timeout=2
    )
    try:
        connection.connect()
    except (OSError, amqp.AMQPError):
        return False
    finally:
        connection.collect()
    return True

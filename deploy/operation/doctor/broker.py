"""RabbitMQ: whether it lets us in, alarms, and its queues."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import amqp
from kombu import Connection

from deploy.embedded import rabbitmq
from deploy.embedded.settings import Instance
from services.kernel.diagnosis import Finding, ok, warning, wrong

CONTROL = Path("/usr/lib/rabbitmq/bin/rabbitmqctl")
COLUMNS = ("name", "messages_ready", "messages_unacknowledged", "consumers", "state", "leader")
TIME_S = 60
BACKLOG = 1000
UNANSWERED = 500


def reachable(uri: str) -> Iterator[Finding]:
    """Whether the broker takes the platform's user."""
    try:
        with Connection(uri, connect_timeout=5) as connection:
            connection.connect()
            version = str(connection.connection.server_properties.get("version", "unknown"))
    except amqp.AccessRefused:
        yield wrong("rabbitmq", "it refuses the platform's user", "Check user and password in MODELYARD_AMQP_URI.")
    except (OSError, amqp.AMQPError) as error:
        yield wrong("rabbitmq", f"it does not answer ({type(error).__name__})", "Start it; its log says why it ended.")
    else:
        yield ok("rabbitmq", f"version {version} lets the platform in")


def inside(instance: Instance) -> Iterator[Finding]:
    """What only the control program of the broker can tell, for an instance's own broker that runs."""
    status = cast(dict[str, Any], _control(instance, "status"))
    yield from of_status(status)
    yield from of_queues(cast(list[dict[str, Any]], _control(instance, "list_queues", *COLUMNS)))


def _control(instance: Instance, *arguments: str) -> object:
    done = subprocess.run(
        [str(CONTROL), "--quiet", "--formatter", "json", *arguments],
        env=rabbitmq.control_environment(instance),
        capture_output=True,
        text=True,
        timeout=TIME_S,
        check=True,
    )
    return json.loads(done.stdout)


def of_status(status: Mapping[str, Any]) -> Iterator[Finding]:
    alarms = [str(alarm.get("resource", alarm) if isinstance(alarm, dict) else alarm) for alarm in status["alarms"]]
    if alarms:
        told = f"alarm: {', '.join(alarms)}; it takes no messages until that is over"
        yield wrong("rabbitmq alarms", told, "Make room on the disk, or give it more memory.")
    else:
        yield ok("rabbitmq alarms", "none")


def of_queues(rows: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Each queue that something is wrong with; one line when there is none."""
    found = [finding for row in rows for finding in _of_queue(row)]
    yield from found or [ok("queues", f"{len(rows)}, each with a leader and without a backlog")]


def _of_queue(row: Mapping[str, Any]) -> Iterator[Finding]:
    name = str(row["name"])
    ready, unanswered = int(row.get("messages_ready") or 0), int(row.get("messages_unacknowledged") or 0)
    if not row.get("leader") or row.get("state") not in ("running", "idle", "flow"):
        told = (
            f"{name} is {row.get('state') or 'unknown'} and has no leader"
            if not row.get("leader")
            else (f"{name} is {row.get('state')}")
        )
        yield wrong("queues", told, "Start the broker's other nodes again; a queue needs most of its members.")
    elif name.endswith(".dead") and ready and not row.get("consumers"):
        told = f"{ready} dead letters in {name} are not collected"
        yield wrong("dead letters", told, "See whether the process `gateway control` runs.")
    elif ".retry." in name or name.endswith(".dead"):
        return
    elif ready and not row.get("consumers"):
        told = f"{ready} messages in {name}, and nobody reads it"
        yield wrong("queues", told, "Start its consumer; a queue of an older version is drained by the older release.")
    elif ready > BACKLOG:
        yield warning("queues", f"{ready} messages wait in {name}", "See whether its consumer keeps up, and its log.")
    elif unanswered > UNANSWERED:
        told = f"{unanswered} messages of {name} are not answered"
        yield warning("queues", told, "Its consumer hangs: look into its log, restart it.")

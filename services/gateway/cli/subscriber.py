"""A subscriber on the broker, as another platform would write one: `python -m services.gateway.cli.subscriber`.

Prints every event of every service from now on, one a line, until it is ended; a line on stderr says that it listens.
Its queues go with its connection.
"""

import json
import os
import sys
from typing import Any

from kombu import Connection, Consumer, Exchange, Message, Queue

from services.kernel.ids import new_id

SERVICES = ("dataset", "algorithm", "trainer", "scheduler", "serving")


def _print(body: Any, message: Message) -> None:
    event = json.loads(body) if isinstance(body, str | bytes | bytearray) else body
    sys.stdout.write(f"    amqp │ {event['type']:<24} {event['subject']}\n")
    sys.stdout.flush()
    message.ack()


def main() -> None:
    queues = [
        Queue(
            new_id(f"subscriber-{service}"),
            exchange=Exchange(f"{service}.events", type="topic", passive=True),
            routing_key="#",
            exclusive=True,
        )
        for service in SERVICES
    ]
    with Connection(os.environ["MODELYARD_AMQP_URI"]) as connection, connection.channel() as channel:
        accept = ["json", "application/cloudevents+json"]
        with Consumer(channel, queues, callbacks=[_print], accept=accept):
            sys.stderr.write("subscribed\n")
            sys.stderr.flush()
            while True:
                connection.drain_events()


if __name__ == "__main__":
    main()

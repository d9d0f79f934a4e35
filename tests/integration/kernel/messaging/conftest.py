"""A bench for messaging tests: own names on the shared broker, child processes, and a look into queues."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from amqp.exceptions import NotFound
from kombu import Connection
from kombu.message import Message

from services.kernel.config import KernelSettings
from services.kernel.ids import new_id
from services.kernel.messaging import envelope, topology
from services.kernel.messaging.envelope import Event
from services.kernel.messaging.topology import Subscription
from services.kernel.storage import mongo
from tests.support.servers import Servers

ROOT = Path(__file__).parents[4]


def settings_of(servers: Servers) -> KernelSettings:
    prefix = "MODELYARD_"
    fields = {name.removeprefix(prefix).lower(): value for name, value in servers.environment.items()}
    return KernelSettings.model_validate(fields)


def make_event(event_type: str = "thing.happened", subject: str = "thing/1", sequence: int = 1) -> Event:
    return Event(
        id=new_id("ev"),
        source="modelyard/test",
        type=event_type,
        subject=subject,
        time=datetime.now(UTC),
        sequence=sequence,
        data={"thing": {"id": subject.partition("/")[2]}},
    )


@dataclass(frozen=True)
class Held:
    """What a queue holds."""

    ready: int
    consumers: int


@dataclass
class Child:
    """A service in a process of its own."""

    process: subprocess.Popen[bytes]
    folder: Path

    def notes(self, step: str) -> list[tuple[str, float]]:
        """(event id, monotonic seconds) of each `begin` or `end`."""
        record = self.folder / "record"
        lines = record.read_text().splitlines() if record.exists() else []
        return [(words[1], float(words[2])) for words in map(str.split, lines) if words[0] == step]

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def alive(self) -> bool:
        return self.process.poll() is None

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@dataclass
class Bench:
    settings: KernelSettings
    environment: dict[str, str]
    folder: Path
    source: str = field(default_factory=lambda: f"test{secrets.token_hex(4)}")
    children: list[Child] = field(default_factory=list)

    @property
    def subscription(self) -> Subscription:
        """That of kernel_service.py, as far as names go."""
        return Subscription("kernel", self.source, ("thing.happened", "thing.changed"))

    @property
    def plain_queue(self) -> str:
        return f"evt-{self.source}-thing.happened--plain.handle"

    def connection(self) -> Connection:
        return Connection(self.settings.amqp_uri.get_secret_value())

    def plain(self, what: str, *, requeue: bool = False, heartbeat: int = 60) -> Child:
        how = "requeue" if requeue else "drop"
        return self._start("plain_service", [what, str(self.folder), self.source, how, str(heartbeat)])

    def kernel(self, what: str, *, heartbeat: int = 60, delays: str = "0.3,0.3") -> Child:
        arguments = [what, str(self.folder), self.source, self.source, str(heartbeat), delays]
        return self._start("kernel_service", arguments)

    def _start(self, module: str, arguments: list[str]) -> Child:
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", f"{__package__}.{module}", *arguments],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
            )
        child = Child(process, self.folder)
        self.children.append(child)
        return child

    def consuming(self, queue: str) -> bool:
        held = self.held(queue)
        return held is not None and held.consumers > 0

    def held(self, queue: str) -> Held | None:
        """None when there is no such queue."""
        with self.connection() as connection:
            try:
                found = connection.channel().queue_declare(queue, passive=True)
            except NotFound:
                return None
            return Held(found.message_count, found.consumer_count)

    def publish(self, event: Event, *, body: bytes | None = None) -> Event:
        with self.connection() as connection:
            channel = connection.channel()
            message = channel.prepare_message(
                body if body is not None else envelope.to_json(event),
                content_type="application/json",
                content_encoding="utf-8",
                properties={"delivery_mode": 2, "message_id": event.id},
            )
            channel.basic_publish_confirm(
                message, exchange=topology.exchange_name(self.source), routing_key=event.type, mandatory=True
            )
        return event

    def take_all(self, queue: str) -> list[Message]:
        """Empty a queue. By consuming: basic.get is refused where there is a single active consumer."""
        messages: list[Message] = []
        with self.connection() as connection:
            channel = connection.channel()
            waiting = channel.queue_declare(queue, passive=True).message_count
            raw = channel.basic_consume(
                queue, no_ack=True, callback=lambda raw: messages.append(channel.message_to_python(raw))
            )
            while len(messages) < waiting:
                connection.drain_events(timeout=10)
            channel.basic_cancel(raw)
        return messages

    def effects(self) -> list[str]:
        """The ids of the events whose effect is committed, in order."""
        collection = mongo.client()[f"modelyard_{self.source}"]["effects"]
        return [str(row["event"]) for row in collection.find().sort("_id", 1)]

    def clean(self) -> None:
        for child in self.children:
            child.process.kill()
            child.process.wait()
        one = self.subscription
        delays = (0.3, 0.5, *topology.RETRY_DELAYS)
        retries = [f"{one.queue}.retry.{round(delay * 1000)}ms" for delay in delays]
        log = topology.log_queue_name(self.source)
        with self.connection() as connection:
            channel = connection.channel()
            for queue in (one.queue, one.dead_queue, *retries, self.plain_queue, log, topology.dead_queue_name(log)):
                channel.queue_delete(queue)
            channel.exchange_delete(topology.exchange_name(self.source))


@pytest.fixture
def bench(servers: Servers, tmp_path: Path) -> Iterator[Bench]:
    settings = settings_of(servers)
    made = Bench(settings, servers.environment, tmp_path)
    mongo.connect(settings, made.source)
    yield made
    made.clean()
    mongo.disconnect()

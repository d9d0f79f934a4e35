import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from services.gateway.control import LogReaderThread
from services.gateway.eventlog import models
from services.gateway.eventlog.models import CounterDocument, LoggedEventDocument
from services.kernel.context import Caller
from services.kernel.entity import utc_now
from services.kernel.ids import new_id
from services.kernel.messaging.envelope import Event, to_json
from services.kernel.storage.mongo import collection_of
from tests.integration.gateway.conftest import Running, in_thread
from tests.support.polling import eventually


def event(kind: str = "dataset.onlined", owner: str = "usr-1", visibility: str = "VISIBILITY_PRIVATE") -> Event:
    aggregate = kind.partition(".")[0]
    return Event(
        id=new_id("evt"),
        source=f"modelyard/{aggregate}",
        type=kind,
        subject=f"{aggregate}/{aggregate}-1",
        time=utc_now(),
        sequence=1,
        actor="usr-1",
        project="default",
        data={aggregate: {"owner": owner, "visibility": visibility}},
    )


@pytest.fixture(autouse=True)
def _empty_log(gateway: Running) -> None:
    collection_of(LoggedEventDocument).delete_many({})
    collection_of(CounterDocument).delete_many({})


def test_repeated_deliveries_are_logged_once(gateway: Running) -> None:
    first, second, third = event(), event(), event()
    assert models.append([first, second]) == 2
    assert models.append([second, third, third]) == 1
    rows = models.read_after(0, {}, 10)
    assert [row["_id"] for row in rows] == [1, 2, 3]
    assert [row["event_id"] for row in rows] == [first.id, second.id, third.id]


def test_cursors_are_unique_when_several_write(gateway: Running) -> None:
    batches = [[event() for _ in range(20)] for _ in range(8)]
    threads = [threading.Thread(target=models.append, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row["_id"] for row in models.read_after(0, {}, 1000)] == list(range(1, 161))


class Reader:
    """An SSE client in a thread: what has come so far."""

    def __init__(self, gateway: Running, path: str, headers: dict[str, str] | None = None) -> None:
        self.events: list[dict[str, str]] = []
        self._client = gateway.client()
        self._stream = self._client.stream("GET", path, headers=headers or {})
        self._response = self._stream.__enter__()
        assert self._response.status_code == 200
        in_thread(self._read)

    def _read(self) -> None:
        try:
            for line in self._response.iter_lines():
                if line.startswith("id: "):
                    self.events.append({"id": line[4:]})
                elif line.startswith("data: ") and self.events:
                    self.events[-1]["type"] = json.loads(line[6:]).get("type", "")
        except httpx.HTTPError:
            pass

    def close(self) -> None:
        self._response.close()
        self._client.close()


@pytest.fixture
def readers() -> Iterator[list[Reader]]:
    made: list[Reader] = []
    yield made
    for reader in made:
        reader.close()


def test_stream_is_live_and_resumes_after_the_last_event(gateway: Running, readers: list[Reader]) -> None:
    models.append([event("task.started")])
    readers.append(live := Reader(gateway, "/api/v1/events"))
    models.append([event("dataset.onlined"), event("model.published")])
    eventually(lambda: [one["id"] for one in live.events] == ["2", "3"])
    readers.append(resumed := Reader(gateway, "/api/v1/events", {"Last-Event-ID": "2"}))
    models.append([event("task.finished")])
    eventually(lambda: [one["id"] for one in resumed.events] == ["3", "4"])
    eventually(lambda: [one["id"] for one in live.events] == ["2", "3", "4"])
    readers.append(oldest := Reader(gateway, "/api/v1/events?cursor=0&types=task.*"))
    eventually(lambda: [one.get("type") for one in oldest.events] == ["task.started", "task.finished"])


def test_wrong_cursor_and_types(gateway: Running, http: httpx.Client) -> None:
    assert http.get("/api/v1/events?cursor=x").status_code == 400
    assert http.get("/api/v1/events?types=Dataset").status_code == 400


def test_others_see_their_own_and_the_shared(gateway: Running) -> None:
    own, foreign, shared = event(owner="usr-2"), event(owner="usr-3"), event(visibility="VISIBILITY_PUBLIC")
    models.append([own, foreign, shared])
    rows = models.read_after(0, models.visible_to(Caller("usr-2")), 10)
    assert [row["event_id"] for row in rows] == [own.id, shared.id]


def test_the_log_is_filled_from_the_broker(gateway: Running) -> None:
    import kombu

    stop = threading.Event()
    reader = LogReaderThread(gateway.settings, ["gatewaytest"], stop)
    reader.start()
    sent = [replace(event(), sequence=number) for number in range(1, 301)]
    with kombu.Connection(gateway.settings.amqp_uri.get_secret_value()) as connection:
        from services.kernel.messaging.declaration import declare
        from services.kernel.messaging.topology import log_topology

        declare(connection, [log_topology("gatewaytest")])
        with connection.channel() as channel:
            producer = kombu.Producer(channel, exchange=kombu.Exchange("gatewaytest.events", "topic", durable=True))
            for one in [*sent, *sent[:50]]:
                producer.publish(to_json(one), routing_key=one.type, content_type="application/cloudevents+json")
    eventually(lambda: len(models.read_after(0, {}, 1000)) >= 300, timeout=30)
    stop.set()
    reader.join(10)
    rows = models.read_after(0, {}, 1000)
    assert reader.error is None
    assert [row["event_id"] for row in rows] == [one.id for one in sent]
    assert [row["sequence"] for row in rows] == list(range(1, 301))

"""Dead letters from the broker's queues to the administrators and back, over the real servers."""

import asyncio
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import aio_pika
import httpx
import pytest
from kombu import Connection
from kombu.message import Message

from services.gateway.bootstrap import dead_letters_of
from services.gateway.deadletters.collecting import CollectorThread, replay_requested
from services.gateway.deadletters.models import INLINE_BYTES, DeadLetterDocument, DeadLetters, State, key_of
from services.kernel.entity import utc_now
from services.kernel.errors import FailedPrecondition, NotFound
from services.kernel.ids import new_id
from services.kernel.messaging.deadletters import HEADER_REPLAY, DeadLetter, dead_letter
from services.kernel.messaging.declaration import declare
from services.kernel.messaging.envelope import Event, to_json
from services.kernel.messaging.topology import DELIVERY_LIMIT, Subscription
from services.kernel.storage.mongo import BsonDocument, collection_of
from tests.integration.gateway.conftest import Running
from tests.support.polling import eventually


def event_of(subject: str = "workload/wl-1", sequence: int = 1) -> Event:
    return Event(
        id=new_id("ev"),
        source="modelyard/scheduler",
        type="workload.exited",
        subject=subject,
        time=utc_now(),
        sequence=sequence,
        data={"workload": {"id": "wl-1"}},
    )


@dataclass
class Bench:
    """A consumer's queues on the broker, and the letters of the gateway."""

    running: Running
    subscription: Subscription
    letters: DeadLetters

    @property
    def queue(self) -> str:
        return self.subscription.queue

    def connection(self) -> Connection:
        return Connection(self.running.settings.amqp_uri.get_secret_value())

    def bury(self, event: Event, *, body: bytes = b"", headers: dict[str, object] | None = None) -> Event:
        """As `Redelivery` does after the last attempt."""
        told = {
            "x-modelyard-attempts": 5,
            "x-modelyard-reason": "handler_failed",
            "x-modelyard-error": "ValueError: no such thing",
            "x-modelyard-consumer": self.subscription.consumer,
            "x-modelyard-failed-at": utc_now().isoformat(),
        }
        with self.connection() as connection:
            channel = connection.channel()
            message = channel.prepare_message(
                body or to_json(event),
                content_type="application/cloudevents+json",
                content_encoding="utf-8",
                headers=told | (headers or {}),
                properties={"delivery_mode": 2, "message_id": event.id, "type": event.type},
            )
            channel.basic_publish_confirm(message, exchange="", routing_key=self.subscription.dead_queue)
        return event

    def rows(self) -> list[BsonDocument]:
        return list(collection_of(DeadLetterDocument).find({"queue": self.queue}).sort("_id"))

    def waiting(self, queue: str) -> int:
        with self.connection() as connection:
            return int(connection.channel().queue_declare(queue, passive=True).message_count)

    def take(self, count: int) -> list[Message]:
        """Messages of the consumer's queue, acknowledged."""
        found: list[Message] = []
        with self.connection() as connection:
            channel = connection.channel()
            channel.basic_consume(
                self.queue, no_ack=True, callback=lambda raw: found.append(channel.message_to_python(raw))
            )
            while len(found) < count:
                connection.drain_events(timeout=20)
        return found

    def replay(self) -> None:
        replay_requested(self.running.settings, self.letters)


@pytest.fixture
def bench(gateway: Running) -> Iterator[Bench]:
    subscription = Subscription(f"tester-{secrets.token_hex(3)}", "scheduler", ("workload.exited",))
    made = Bench(gateway, subscription, dead_letters_of(gateway.settings))
    with made.connection() as connection:
        declare(connection, [subscription.topology()])
    yield made
    with made.connection() as connection:
        channel = connection.channel()
        for queue in subscription.topology().queues:
            channel.queue_delete(queue.name)
    collection_of(DeadLetterDocument).delete_many({"queue": made.queue})


@pytest.fixture
def collecting(bench: Bench) -> Iterator[Bench]:
    stop = threading.Event()

    async def queues() -> list[str]:
        return [bench.queue, "nobody.scheduler.v1"]

    thread = CollectorThread(bench.running.settings, bench.letters, queues, stop)
    thread.start()
    yield bench
    stop.set()
    thread.join(20)
    assert thread.error is None


def test_a_dead_letter_is_collected_shown_and_replayed(collecting: Bench, http: httpx.Client) -> None:
    bench, event = collecting, collecting.bury(event_of())
    row = eventually(bench.rows, timeout=30)[0]
    eventually(lambda: bench.waiting(bench.subscription.dead_queue) == 0, timeout=30)
    listed = http.get("/api/v1/dead-letters", params={"queue": bench.queue}).json()
    assert [letter["id"] for letter in listed["dead_letters"]] == [row["_id"]]
    shown = http.get(f"/api/v1/dead-letters/{row['_id']}").json()
    assert (shown["event_id"], shown["event_type"], shown["subject"]) == (event.id, "workload.exited", event.subject)
    assert (shown["reason"], shown["error"], shown["attempts"]) == ("handler_failed", "ValueError: no such thing", 5)
    assert shown["consumer"] == bench.subscription.consumer
    assert shown["body"] == to_json(event).decode()
    assert "body" not in listed["dead_letters"][0] or listed["dead_letters"][0]["body"] == ""

    answer = http.post(f"/api/v1/dead-letters/{row['_id']}:replay", json={})
    assert (answer.status_code, answer.json()["state"]) == (200, "STATE_REPLAYING")
    bench.replay()
    (message,) = bench.take(1)
    assert message.properties["message_id"] == event.id
    body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
    assert body == to_json(event)
    assert message.headers == {HEADER_REPLAY: 1}
    assert bench.rows()[0]["state"] == State.REPLAYED
    assert http.get("/api/v1/dead-letters", params={"queue": bench.queue}).json()["dead_letters"] == []


def test_what_fails_again_is_dead_again(collecting: Bench) -> None:
    bench, event = collecting, collecting.bury(event_of())
    row = eventually(bench.rows, timeout=30)[0]
    bench.letters.request_replay(row["_id"])
    bench.replay()
    bench.take(1)
    bench.bury(event, headers={HEADER_REPLAY: 1, "x-modelyard-error": "ValueError: still not"})
    again = eventually(lambda: [one for one in bench.rows() if one["state"] == State.DEAD], timeout=30)[0]
    assert (again["_id"], again["deaths"], again["error"]) == (row["_id"], 2, "ValueError: still not")
    assert again["first_died_at"] == row["first_died_at"]


def test_the_message_of_a_lost_ack_changes_nothing(bench: Bench) -> None:
    letter = letter_of(bench, event_of())
    bench.letters.collect([letter])
    row = bench.rows()[0]
    bench.letters.request_replay(row["_id"])
    bench.letters.collect([letter])
    assert bench.rows()[0]["state"] == State.REPLAYING
    bench.letters.replayed(bench.letters.get(row["_id"]))
    bench.letters.collect([letter, letter])
    (after,) = bench.rows()
    assert (after["state"], after["deaths"]) == (State.REPLAYED, 1)


def test_a_dropped_one_does_not_come_back(bench: Bench, http: httpx.Client) -> None:
    letter = letter_of(bench, event_of())
    bench.letters.collect([letter])
    row = bench.rows()[0]
    assert http.delete(f"/api/v1/dead-letters/{row['_id']}").status_code == 200
    bench.letters.collect([letter])
    with pytest.raises(NotFound):
        bench.letters.get(row["_id"])
    assert bench.letters.listed(bench.queue, None, 0, "").items == []


def test_one_on_its_way_cannot_be_dropped(bench: Bench) -> None:
    bench.letters.collect([letter_of(bench, event_of())])
    row = bench.rows()[0]
    bench.letters.request_replay(row["_id"])
    with pytest.raises(FailedPrecondition, match="on its way"):
        bench.letters.drop(row["_id"])


def test_a_queue_that_is_gone_is_told(bench: Bench) -> None:
    letter = replace(letter_of(bench, event_of()), queue=f"{bench.queue}.gone")
    bench.letters.collect([letter])
    row = collection_of(DeadLetterDocument).find_one({"key": key_of(letter)})
    assert row is not None
    try:
        bench.letters.request_replay(row["_id"])
        bench.replay()
        after = bench.letters.get(row["_id"])
        assert after["state"] == State.DEAD
        assert after["replay_error"] == f"There is no queue {bench.queue}.gone any more."
    finally:
        collection_of(DeadLetterDocument).delete_one({"_id": row["_id"]})


def test_all_of_a_queue_are_replayed_in_the_order_of_each_aggregate(bench: Bench, http: httpx.Client) -> None:
    events = [event_of(f"workload/wl-{name}", sequence) for sequence in (3, 1, 2) for name in "ab"]
    bench.letters.collect([letter_of(bench, event) for event in events])
    assert http.post("/api/v1/dead-letters:replay", json={"queue": bench.queue}).json()["count"] == "6"
    bench.replay()
    ids = [message.properties["message_id"] for message in bench.take(6)]
    assert ids == [event.id for event in sorted(events, key=lambda event: (event.subject, event.sequence))]


def test_pages_and_states(bench: Bench, http: httpx.Client) -> None:
    bench.letters.collect([letter_of(bench, event_of(sequence=number)) for number in range(1, 6)])
    seen, token = [], ""
    while True:
        query: dict[str, str | int] = {"queue": bench.queue, "page_size": 2, "page_token": token}
        page = http.get("/api/v1/dead-letters", params=query).json()
        seen += [letter["id"] for letter in page["dead_letters"]]
        assert page["total_size"] == "5"
        if not (token := page.get("next_page_token", "")):
            break
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 5


def test_a_large_and_malformed_message_is_kept_whole(bench: Bench) -> None:
    body = b"\xff" * (INLINE_BYTES + 1)
    bench.letters.collect([replace(letter_of(bench, event_of()), body=body)])
    row = bench.rows()[0]
    assert row["body"] is None
    assert (row["event_type"], row["subject"]) == ("workload.exited", "")
    assert bench.letters.letter_of(row).body == body


def test_only_administrators(gateway: Running) -> None:
    for method, path in (("GET", ""), ("GET", "/dl-1"), ("POST", ":replay"), ("DELETE", "/dl-1")):
        with gateway.client(signed_in=False) as client:
            body: dict[str, str] | None = {} if method == "POST" else None
            assert client.request(method, f"/api/v1/dead-letters{path}", json=body).status_code == 401


def letter_of(bench: Bench, event: Event) -> DeadLetter:
    return DeadLetter(
        queue=bench.queue,
        message_id=event.id,
        body=to_json(event),
        reason="handler_failed",
        died_at=utc_now() - timedelta(minutes=1),
        type=event.type,
    )


def test_what_the_broker_says_of_a_death(bench: Bench) -> None:
    """A consumer that dies of a message again and again, and one that refuses it."""
    refused, deadly = bench.bury(event_of()), bench.bury(event_of(sequence=2))
    uri = bench.running.settings.amqp_uri.get_secret_value()
    letters = asyncio.run(_die_of(uri, bench.subscription, refused.id, deadly.id))
    assert letters[refused.id].reason == "rejected"
    assert letters[deadly.id].reason == "delivery_limit"
    assert letters[deadly.id].attempts == 5 + DELIVERY_LIMIT
    assert abs(letters[deadly.id].died_at - utc_now()) < timedelta(minutes=5)
    assert "Before that: ValueError" in letters[deadly.id].error


async def _die_of(uri: str, subscription: Subscription, refused: str, deadly: str) -> dict[str, DeadLetter]:
    async with await aio_pika.connect(uri) as connection:
        channel = await connection.channel()
        main, dead = [await channel.get_queue(name) for name in (subscription.queue, subscription.dead_queue)]
        for _ in range(2):  # from the dead letters into the queue itself
            message = await dead.get(timeout=20)
            assert message is not None
            await channel.default_exchange.publish(message, main.name)
            await message.ack()

        async def answer(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            if message.message_id == refused:
                await message.reject(requeue=False)
            else:
                await message.nack(requeue=True)

        await main.consume(answer)
        found: dict[str, DeadLetter] = {}
        async with asyncio.timeout(60), dead.iterator() as messages:
            async for message in messages:
                found[str(message.message_id)] = dead_letter(subscription.queue, message)
                await message.ack()
                if found.keys() == {refused, deadly}:
                    return found
        return found

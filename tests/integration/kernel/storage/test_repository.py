"""Aggregates and their events in the real database."""

import copy
from datetime import UTC, datetime

import pytest

from services.kernel.context import Caller, acting_as
from services.kernel.errors import AlreadyExists, Conflict, InvalidArgument, NotFound, ResourceExhausted
from services.kernel.storage import mongo
from services.kernel.storage.mongo import collection_of
from tests.integration.kernel.storage.things import Colour, Part, Thing, ThingDocument, things

pytestmark = pytest.mark.usefixtures("database")


def _outbox() -> list[tuple[object, ...]]:
    rows = mongo.database()["outbox"].find().sort([("subject", 1), ("sequence", 1)])
    return [(row["type"], row["subject"], row["sequence"], row["actor"], row["project"]) for row in rows]


def test_everything_comes_back_as_it_was() -> None:
    thing = Thing(
        id="t-1", owner="u-1", project="p", name="a", colour=Colour.BLUE, parts=[Part("x", (1, 2)), Part("y")],
        notes={"a.b": [1, {"$c": None}], "f": 2.5}, seen_at=datetime(2024, 2, 29, 12, tzinfo=UTC), raw=b"\x00\xff",
        limit=5,
    )  # fmt: skip
    things().add(thing)
    assert things().get("t-1") == thing
    assert things().find_one(colour=Colour.BLUE) == thing
    assert things().find(colour=Colour.RED) == []
    assert things().find_one(id="other") is None
    assert isinstance(things().get("t-1").limit, int)


def test_unknown_fields_are_tolerated_and_missing_ones_take_defaults() -> None:
    collection_of(ThingDocument).insert_one({"_id": "old", "name": "n", "of_the_future": {"x": 1}})
    thing = things().get("old")
    assert (thing.name, thing.colour, thing.parts) == ("n", Colour.RED, [])


def test_state_and_events_are_written_together() -> None:
    thing = Thing(id="t-1", name="a", project="p7")
    thing.happened("made")
    with acting_as(Caller(user_id="u-9")):
        things().add(thing)
    thing.happened("painted_red")
    things().save(thing)
    assert (thing.version, thing.sequence, thing.pending) == (2, 2, [])
    service = mongo.service_name()
    assert _outbox() == [
        ("thing.made", "thing/t-1", 1, "u-9", "p7"),
        ("thing.painted_red", "thing/t-1", 2, f"service:{service}", "p7"),
    ]
    row = mongo.database()["outbox"].find_one({"sequence": 2})
    assert row is not None
    assert row["dataschema"] == "kerneltest.v1.ThingPaintedRed"
    assert '"etag": "2"' in row["data"]


def test_an_event_that_cannot_be_written_undoes_the_state() -> None:
    thing = Thing(id="t-1", name="a")
    thing.happened("never_declared")
    with pytest.raises(LookupError, match="ThingNeverDeclared"):
        things().add(thing)
    assert collection_of(ThingDocument).count_documents({}) == 0
    assert (thing.version, thing.sequence, thing.pending) == (0, 0, ["never_declared"])


def test_the_second_of_two_who_read_the_same_conflicts_and_writes_no_event() -> None:
    things().add(Thing(id="t-1", name="a"))
    first, second = things().get("t-1"), things().get("t-1")
    first.name = "first"
    things().save(first)
    second.name = "second"
    second.happened("painted_red")
    with pytest.raises(Conflict) as caught:
        things().save(second)
    assert caught.value.reason == "VERSION_CONFLICT"
    assert things().get("t-1").name == "first"
    assert _outbox() == []
    assert second.pending == ["painted_red"]


def test_a_deleted_aggregate_does_not_come_back() -> None:
    thing = Thing(id="t-1", name="a")
    things().add(thing)
    stale = copy.deepcopy(thing)
    things().delete(thing)
    with pytest.raises(Conflict) as caught:
        things().save(stale)
    assert caught.value.reason == "DELETED"
    with pytest.raises(Conflict):
        things().delete(stale)
    with pytest.raises(NotFound):
        things().get("t-1")


def test_ids_and_unique_fields() -> None:
    things().add(Thing(id="t-1", name="a"))
    with pytest.raises(AlreadyExists, match="t-1"):
        things().add(Thing(id="t-1", name="b"))
    thing = Thing(id="t-2", name="a")
    thing.happened("made")
    with pytest.raises(AlreadyExists, match="name 'a'"):
        things().add(thing)
    assert _outbox() == []
    thing.name = "b"
    things().add(thing)
    thing.name = "a"
    with pytest.raises(AlreadyExists):
        things().save(thing)


def test_too_large_to_store() -> None:
    with pytest.raises(ResourceExhausted) as caught:
        things().add(Thing(id="t-1", name="a", raw=b"x" * (17 * 1024 * 1024)))
    assert caught.value.reason == "DOCUMENT_TOO_LARGE"


def test_pages_newest_first() -> None:
    for number in range(25):
        things().add(Thing(id=f"t-{number:02d}", name=str(number), owner="even" if number % 2 == 0 else "odd"))
    query = {"owner": "even"}
    seen: list[str] = []
    token = ""
    while True:
        page = things().page(query, page_size=5, page_token=token)
        assert page.total_size == 13
        seen += [thing.id for thing in page.items]
        token = page.next_page_token
        if not token:
            break
        if len(seen) == 5:
            things().add(Thing(id="t-99", name="new", owner="odd"))
    assert seen == [f"t-{number:02d}" for number in range(24, -1, -2)]
    assert len(things().page({}, page_size=0, page_token="").items) == 26
    assert len(things().page({"id": {"$in": ["t-01", "t-02"]}}, page_size=0, page_token="").items) == 2


def test_tokens_and_sizes_that_are_refused() -> None:
    for number in range(3):
        things().add(Thing(id=f"t-{number}", name=str(number)))
    token = things().page({}, page_size=1, page_token="").next_page_token
    for wrong in ("x", "%%%", token[:-3], "W10", "ä", "e30"):
        with pytest.raises(InvalidArgument):
            things().page({}, page_size=1, page_token=wrong)
    with pytest.raises(InvalidArgument):
        things().page({"owner": "somebody"}, page_size=1, page_token=token)
    with pytest.raises(InvalidArgument):
        things().page({}, page_size=-1, page_token="")

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from services.kernel.messaging.envelope import MAX_BYTES, Event, MalformedEvent, from_json, to_json


def event(**changes: object) -> Event:
    values: dict[str, object] = {
        "id": "ev-1",
        "source": "modelyard/dataset",
        "type": "dataset.onlined",
        "subject": "dataset/ds-1",
        "time": datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
        "sequence": 7,
        "dataschema": "dataset.v1.DatasetOnlined",
        "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01",
        "actor": "user-1",
        "project": "default",
        "data": {"name": "数字", "count": "9007199254740993"},
    }
    return Event(**{**values, **changes})  # type: ignore[arg-type]


def document(**changes: object) -> bytes:
    return json.dumps({**json.loads(to_json(event())), **changes}).encode()


def without(name: str) -> bytes:
    found = json.loads(to_json(event()))
    del found[name]
    return json.dumps(found).encode()


def test_round_trip() -> None:
    assert from_json(to_json(event())) == event()


def test_is_cloudevents_json() -> None:
    found = json.loads(to_json(event()))
    assert found["specversion"] == "1.0"
    assert found["sequence"] == "7"
    assert found["time"] == "2026-01-02T03:04:05.678000Z"
    assert found["datacontenttype"] == "application/json"


def test_time_is_converted_to_utc() -> None:
    local = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=8)))
    assert from_json(to_json(event(time=local))).time == datetime(2026, 1, 1, 19, 4, 5, tzinfo=UTC)


def test_aggregate_and_id() -> None:
    assert (event().aggregate, event().aggregate_id) == ("dataset", "ds-1")


def test_data_as_message() -> None:
    assert event(data={"a": 1.0}).message(Struct)["a"] == 1.0


def test_data_that_is_another_message() -> None:
    with pytest.raises(MalformedEvent, match="not a google"):
        event(data={"seconds": []}).message(Timestamp)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b"1" * 5_000,
        b" " * (MAX_BYTES + 1),
        document(specversion="0.3"),
        document(data=None),
        document(data="text"),
        document(data=[1]),
        document(datacontenttype="text/xml"),
        document(id=""),
        document(id="x" * 201),
        document(id=5),
        document(id="a b"),
        document(type="Dataset"),
        document(type="dataset.#"),
        document(type="dataset.onlined\n"),
        document(subject="dataset"),
        document(subject="dataset/"),
        document(sequence=7),
        document(sequence="-1"),
        document(sequence="9" * 19),
        document(sequence="٣"),
        document(time="yesterday"),
        document(time="2026-01-02T03:04:05"),
        document(time="0001-01-01T00:00:00+23:59"),
        document(time=0),
        document(actor=5),
        document(project="x" * 501),
        document(data={"x": float("nan")}),
        *[without(name) for name in ("specversion", "id", "source", "type", "subject", "time", "sequence", "data")],
    ],
)
def test_hostile_input(body: bytes) -> None:
    with pytest.raises(MalformedEvent):
        from_json(body)


def test_unknown_attributes_are_ignored() -> None:
    assert from_json(document(extension={"deep": [1]})) == event()


@pytest.mark.parametrize(
    ("path", "text"), [("a.b", "found"), ("a", ""), ("a.c", ""), ("a.b.c", ""), ("a.number", ""), ("x.y", ""), ("", "")]
)
def test_text_at_a_path_of_the_data(path: str, text: str) -> None:
    assert event(data={"a": {"b": "found", "number": 7}}).text(path) == text

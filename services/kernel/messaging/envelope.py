"""The envelope of every event: CloudEvents 1.0 in JSON, `data` holding the event message as protobuf JSON.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NoReturn, TypeAlias, TypeVar

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

CONTENT_TYPE = "application/cloudevents+json"
MAX_BYTES = 8 * 2**20
MAX_SEQUENCE = 2**63 - 1

_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", re.ASCII)
_SUBJECT = re.compile(r"[a-z][a-z0-9_]*/[\x21-\x7e]{1,200}", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_SEQUENCE = re.compile(r"[0-9]{1,19}", re.ASCII)

M = TypeVar("M", bound=Message)
MessageClass: TypeAlias = type[M]


class MalformedEvent(ValueError):
    """The bytes are not an event of ours; a second delivery will not make them one."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact about one aggregate. `sequence` counts the events of that aggregate from 1; `time` is aware UTC."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    sequence: int
    dataschema: str = ""
    traceparent: str = ""
    actor: str = ""
    project: str = ""
    data: Mapping[str, object] = field(default_factory=dict)

    @property
    def aggregate(self) -> str:
        return self.subject.partition("/")[0]

    @property
    def aggregate_id(self) -> str:
        return self.subject.partition("/")[2]

    def text(self, path: str) -> str:
        """The text at a path of `data`, such as `workload.spec.subject`; empty where there is none."""
        found: object = self.data
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, str) else ""

    def message(self, message_class: MessageClass[M]) -> M:
        """`data` as the event's proto message. Fields that this release does not know are ignored."""
        try:
            parsed: M = ParseDict(dict(self.data), message_class(), ignore_unknown_fields=True)
        except ParseError as error:
            name = message_class.DESCRIPTOR.full_name
            raise MalformedEvent(f"data of event {self.id} is not a {name}: {error}") from error
        return parsed


def to_json(event: Event) -> bytes:
    """The event in CloudEvents' structured JSON mode, UTF-8."""
    document: dict[str, object] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "sequence": str(event.sequence),
    }
    for name in ("dataschema", "traceparent", "actor", "project"):
        value = getattr(event, name)
        if value:
            document[name] = value
    document["data"] = dict(event.data)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def from_json(body: bytes | memoryview | str) -> Event:
    """Parse and check an envelope. Anything unexpected, of whatever kind, raises MalformedEvent."""
    document = _parse(body)
    if document.get("specversion") != "1.0":
        raise MalformedEvent("specversion: expected 1.0")
    if document.get("datacontenttype", "application/json") != "application/json":
        raise MalformedEvent("datacontenttype: expected application/json")
    data = document.get("data")
    if not isinstance(data, dict):
        raise MalformedEvent("data: expected a JSON object")
    return Event(
        id=_matching(document, "id", _PRINTABLE),
        source=_matching(document, "source", _PRINTABLE),
        type=_matching(document, "type", _TYPE),
        subject=_matching(document, "subject", _SUBJECT),
        time=_time(document),
        sequence=_sequence(document),
        dataschema=_optional(document, "dataschema"),
        traceparent=_optional(document, "traceparent"),
        actor=_optional(document, "actor"),
        project=_optional(document, "project"),
        data=data,
    )


def _parse(body: bytes | memoryview | str) -> dict[str, object]:
    if len(body) > MAX_BYTES:
        raise MalformedEvent(f"expected at most {MAX_BYTES} bytes, got {len(body)}")
    try:
        text = body if isinstance(body, str) else bytes(body).decode("utf-8")
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedEvent(f"expected a JSON object in UTF-8: {error}") from error
    if not isinstance(document, dict):
        raise MalformedEvent("expected a JSON object")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _matching(document: Mapping[str, object], name: str, pattern: re.Pattern[str]) -> str:
    value = document.get(name)
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise MalformedEvent(f"{name}: expected a string matching {pattern.pattern}")
    return value


def _optional(document: Mapping[str, object], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str) or len(value) > 500:
        raise MalformedEvent(f"{name}: expected a string of at most 500 characters")
    return value


def _time(document: Mapping[str, object]) -> datetime:
    value = document.get("time")
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        if time is None or time.tzinfo is None:
            raise ValueError("no time zone")
        return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedEvent("time: expected RFC 3339 with a time zone") from error


def _sequence(document: Mapping[str, object]) -> int:
    text = _matching(document, "sequence", _SEQUENCE)
    if int(text) > MAX_SEQUENCE:
        raise MalformedEvent("sequence: expected a 64-bit number")
    return int(text)

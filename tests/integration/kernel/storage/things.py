"""An aggregate with events, made only for the tests of the kernel."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from services.kernel.entity import Entity
from services.kernel.storage.documents import AggregateDocument, Repository


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Part:
    name: str
    sizes: tuple[int, ...] = ()


@dataclass(kw_only=True)
class Thing(Entity):
    name: str = ""
    colour: Colour = Colour.RED
    parts: list[Part] = field(default_factory=list)
    notes: dict[str, object] = field(default_factory=dict)
    seen_at: datetime | None = None
    raw: bytes = b""
    limit: int | float | None = None


class ThingDocument(AggregateDocument):
    meta: ClassVar[dict[str, object]] = {"collection": "things", "indexes": [{"fields": ["name"], "unique": True}]}


def _messages() -> type[Message]:
    proto = descriptor_pb2.FileDescriptorProto(name="kerneltest/things.proto", package="kerneltest.v1", syntax="proto3")
    thing = proto.message_type.add(name="Thing")
    for number, name in enumerate(("id", "name", "etag"), 1):
        thing.field.add(name=name, number=number, type="TYPE_STRING", label="LABEL_OPTIONAL")
    for event in ("ThingMade", "ThingPaintedRed"):
        proto.message_type.add(name=event).field.add(
            name="thing", number=1, type="TYPE_MESSAGE", label="LABEL_OPTIONAL", type_name=".kerneltest.v1.Thing"
        )
    pool = descriptor_pool.Default()
    pool.Add(proto)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("kerneltest.v1.Thing"))


ThingMessage = _messages()


def snapshot(thing: Thing) -> Message:
    return ThingMessage(id=thing.id, name=thing.name, etag=thing.etag)


def things() -> Repository[Thing]:
    return Repository(ThingDocument, Thing, aggregate="thing", snapshot=snapshot)

"""The protobuf message of an event, found by name: `<Aggregate><Event>` with one field, the snapshot."""

import importlib
from functools import lru_cache

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message


def event_message(aggregate: str, event: str, snapshot: Message) -> Message:
    """The message `DatasetOnlined` for `dataset`, `onlined`, from the proto package of `snapshot`.

    Raises LookupError when the package declares no such message.
    """
    resource = snapshot.DESCRIPTOR
    name = f"{resource.file.package}.{_camel(aggregate)}{_camel(event)}"
    package = (type(snapshot).__module__ or "").rpartition(".")[0]
    descriptor = _event_descriptor(name, f"{package}.events_pb2")
    if len(descriptor.fields) != 1 or descriptor.fields[0].message_type is not resource:
        raise TypeError(f"{name} must have exactly one field, of type {resource.full_name}")
    return message_factory.GetMessageClass(descriptor)(**{descriptor.fields[0].name: snapshot})


@lru_cache(maxsize=1024)
def _event_descriptor(name: str, module: str) -> Descriptor:
    pool = descriptor_pool.Default()
    try:
        return pool.FindMessageTypeByName(name)
    except KeyError:
        pass
    try:
        importlib.import_module(module)  # registers the messages of the package's events
        return pool.FindMessageTypeByName(name)
    except (KeyError, TypeError, ImportError) as error:
        raise LookupError(f"the event message {name} is not declared") from error


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))

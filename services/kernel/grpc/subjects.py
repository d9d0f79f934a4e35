"""What a call is about, for the log: the ids in its request."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

_NOT_IDS = frozenset({"request_id"})


def ids_in(request: Message, noun: str) -> Mapping[str, str]:
    """Fields such as `workload_id` under their names, and `id` as that of the `noun` that the service is about."""
    return {f"{noun}_id" if name == "id" else name: getattr(request, name) for name in _id_fields(request.DESCRIPTOR)}


@lru_cache(maxsize=1024)
def _id_fields(message: Descriptor) -> Sequence[str]:
    return [
        field.name
        for field in message.fields
        if field.type == FieldDescriptor.TYPE_STRING
        and not field.is_repeated
        and (field.name == "id" or field.name.endswith("_id"))
        and field.name not in _NOT_IDS
    ]

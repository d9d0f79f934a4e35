"""What a call is about, for the log: the ids in its request and answer."""

import re
from collections.abc import Mapping, Sequence

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

_NOT_IDS = frozenset({"request_id"})


class Subjects:
    """By the names of the fields: `workload_id` is one, and `id` belongs to what the service or message is called."""

    def __init__(self, method: MethodDescriptor) -> None:
        assert method.containing_service is not None  # every method has one
        noun = _snake(method.containing_service.name.removesuffix("Service"))
        self._request = _id_fields(method.input_type, noun)
        self._response = _id_fields(method.output_type, _snake(method.output_type.name))

    def of_request(self, request: Message) -> Mapping[str, str]:
        return {key: getattr(request, field) for field, key in self._request}

    def of_response(self, response: Message) -> Mapping[str, str]:
        return {key: getattr(response, field) for field, key in self._response}


def _id_fields(message: Descriptor, noun: str) -> Sequence[tuple[str, str]]:
    """Pairs of a field and the name that its value has in the log."""
    texts = [
        field.name
        for field in message.fields
        if field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated and field.name not in _NOT_IDS
    ]
    return [(name, f"{noun}_id" if name == "id" else name) for name in texts if name == "id" or name.endswith("_id")]


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()

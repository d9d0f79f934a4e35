"""One unary method called once: its constraints, and for commands one transaction that remembers the answer."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from services.kernel.context import current_caller
from services.kernel.grpc import constraints


def answer(method: MethodDescriptor, function: Callable[[Any], Any], request: Message) -> Message:
    """Validate, then run `function`; a command runs in one transaction and is remembered by its request id."""
    constraints.validate(request)
    if not is_command(method, function):
        response: Message = function(request)
        return response
    from services.kernel.storage.idempotency import remembered
    from services.kernel.storage.transactions import in_transaction

    request_id: str = request.request_id  # type: ignore[attr-defined]
    if not request_id:
        done: Message = in_transaction(lambda: function(request))
        return done
    key = f"{current_caller().user_id}|{method.containing_service.full_name}/{method.name}|{request_id}"
    fingerprint = sha256(request.SerializeToString(deterministic=True)).hexdigest()
    stored, _ = remembered(key, lambda: function(request).SerializeToString(), fingerprint=fingerprint)
    return message_factory.GetMessageClass(method.output_type).FromString(stored)


def is_command(method: MethodDescriptor, function: Callable[[Any], Any]) -> bool:
    has_request_id = "request_id" in method.input_type.fields_by_name
    return has_request_id and not getattr(function, "__modelyard_no_transaction__", False)

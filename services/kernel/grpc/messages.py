"""Messages from bytes that anybody may have sent."""

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from services.kernel.errors import InvalidArgument

M = TypeVar("M", bound=Message)


def parsed(message_class: type[M], data: bytes) -> M:
    """The message in `data`. Raises InvalidArgument when there is none.

    Servers call it themselves instead of leaving it to grpc, which answers INTERNAL.
    """
    try:
        return message_class.FromString(data)
    except (DecodeError, UnicodeDecodeError) as error:
        name = message_class.DESCRIPTOR.full_name
        raise InvalidArgument(f"The request is not a {name}.", reason="MESSAGE_MALFORMED") from error

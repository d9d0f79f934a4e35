"""Query parameters to messages: names nested by dots, repeated parameters for lists, enums short or in full."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from services.gateway.http.jsonmap import Json, descriptor_of, field_named, fill, is_map
from services.kernel.errors import InvalidArgument

MAX_PARAMETERS = 200


def parse_query(raw: bytes) -> list[tuple[str, str]]:
    """Decoded pairs. Raises InvalidArgument for escapes that are not UTF-8 and for too many parameters."""
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except (UnicodeDecodeError, ValueError) as error:
        raise InvalidArgument(f"The query cannot be read: {error}", reason="QUERY_MALFORMED") from error


def fill_from_query(message: Message, pairs: Iterable[tuple[str, str]], *, taken: frozenset[str]) -> None:
    """Set fields from parameters. `taken` are fields that path or body give: they are not known as parameters."""
    tree: dict[str, Json] = {}
    for name, text in pairs:
        _place(tree, descriptor_of(message), name, text, taken)
    fill(message, tree)


def set_path(message: Message, field_path: str, text: str) -> None:
    """Set one field, given by its dotted path in the proto, from text."""
    tree: dict[str, Json] = {}
    _place(tree, descriptor_of(message), field_path, text, frozenset())
    fill(message, tree)


def _place(tree: dict[str, Json], descriptor: Descriptor, name: str, text: str, taken: frozenset[str]) -> None:
    parts = name.split(".")
    field = _field(descriptor, parts[0], name)
    if field.name in taken:
        raise _unknown(name)
    for part in parts[1:]:
        if field.message_type is None or field.is_repeated or is_map(field):
            raise _unknown(name)
        inner = tree.setdefault(field.name, {})
        if not isinstance(inner, dict):
            raise InvalidArgument.field(name, "is given twice")
        tree, field = inner, _field(field.message_type, part, name)
    value = _scalar(field, text, name)
    if field.is_repeated:
        listed = tree.setdefault(field.name, [])
        if isinstance(listed, list):
            listed.append(value)
    elif field.name in tree:
        raise InvalidArgument.field(name, "is given twice")
    else:
        tree[field.name] = value


def _field(descriptor: Descriptor, part: str, name: str) -> FieldDescriptor:
    field = field_named(descriptor, part)
    if field is None:
        raise _unknown(name)
    return field


def _unknown(name: str) -> InvalidArgument:
    return InvalidArgument.field(name, "is not a parameter of this request", reason="UNKNOWN_PARAMETER")


_TEXTUAL = ("google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask")
_BOOLEANS: dict[str, Json] = {"true": True, "false": False, "1": True, "0": False}


def _scalar(field: FieldDescriptor, text: str, name: str) -> Json:
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.FieldMask":
            return _camel_mask(text)
        if field.message_type.full_name not in _TEXTUAL:
            raise InvalidArgument.field(name, "is an object; give its fields as `name.field`")
        return text
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        if text.lower() not in _BOOLEANS:
            raise InvalidArgument.field(name, "true or false was expected")
        return _BOOLEANS[text.lower()]
    return text


def _camel_mask(text: str) -> str:
    """protobuf JSON wants masks in camelCase; people write the names that they see."""
    words = [path.split("_") for path in text.split(",")]
    return ",".join(first + "".join(part[:1].upper() + part[1:] for part in rest) for first, *rest in words)

"""The comments of the protos, by the full name of what they stand before."""

from collections.abc import Iterator, Sequence

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto

# Field numbers in descriptor.proto, from which the paths of source locations are made.
_FILE_MESSAGES, _FILE_ENUMS, _FILE_SERVICES = 4, 5, 6
_MESSAGE_FIELDS, _MESSAGE_NESTED, _MESSAGE_ENUMS = 2, 3, 4
_SERVICE_METHODS, _ENUM_VALUES = 2, 2

Path = tuple[int, ...]


def comments_of(file: FileDescriptorProto) -> dict[str, str]:
    """Leading (or else trailing) comments of services, methods, messages, fields, enums and their values."""
    texts = {
        tuple(location.path): _text(location.leading_comments or location.trailing_comments)
        for location in file.source_code_info.location
    }
    return {name: texts[path] for name, path in _named(file) if texts.get(path)}


def _text(comment: str) -> str:
    return "\n".join(line.strip() for line in comment.strip().splitlines())


def _named(file: FileDescriptorProto) -> Iterator[tuple[str, Path]]:
    for index, service in enumerate(file.service):
        name = f"{file.package}.{service.name}"
        yield name, (_FILE_SERVICES, index)
        for number, method in enumerate(service.method):
            yield f"{name}.{method.name}", (_FILE_SERVICES, index, _SERVICE_METHODS, number)
    yield from _messages(file.message_type, file.package, (_FILE_MESSAGES,))
    yield from _enums(file.enum_type, file.package, (_FILE_ENUMS,))


def _messages(messages: Sequence[DescriptorProto], scope: str, base: Path) -> Iterator[tuple[str, Path]]:
    for index, message in enumerate(messages):
        name, path = f"{scope}.{message.name}", (*base, index)
        yield name, path
        for number, field in enumerate(message.field):
            yield f"{name}.{field.name}", (*path, _MESSAGE_FIELDS, number)
        yield from _messages(message.nested_type, name, (*path, _MESSAGE_NESTED))
        yield from _enums(message.enum_type, name, (*path, _MESSAGE_ENUMS))


def _enums(enums: Sequence[EnumDescriptorProto], scope: str, base: Path) -> Iterator[tuple[str, Path]]:
    for index, enum in enumerate(enums):
        name, path = f"{scope}.{enum.name}", (*base, index)
        yield name, path
        for number, value in enumerate(enum.value):
            yield f"{name}.{value.name}", (*path, _ENUM_VALUES, number)

"""What clients send, checked against the interface."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from services.kernel.errors import InvalidArgument
from services.kernel.values import Interface, InterfaceParameter

MAX_IMAGE_BYTES = 32 * 2**20
MAX_TEXT_CHARACTERS = 200_000

Instance: TypeAlias = Mapping[str, str]


def columns(interface: Interface, taken: Sequence[str], instances: Sequence[Instance]) -> dict[str, list[bytes]]:
    """The values of all instances by parameter, as bytes; only the parameters `taken` by the model.

    Raises InvalidArgument naming the field, for example `instances[0].inputs.image`.
    """
    if not instances:
        raise InvalidArgument.field("instances", "expected at least one instance")
    by_name = {parameter.name: parameter for parameter in interface.parameters}
    names = [name for name in taken if name in by_name] or [*by_name]
    for at, instance in enumerate(instances):
        _require_known(at, instance, by_name)
        _require_given(at, instance, by_name, names)
    return {
        name: [
            value_of(by_name[name], instance[name], f"instances[{at}].inputs.{name}")
            for at, instance in enumerate(instances)
        ]
        for name in names
    }


def _require_known(at: int, instance: Instance, by_name: Mapping[str, InterfaceParameter]) -> None:
    for name in instance:
        if name not in by_name:
            known = ", ".join(f"`{known}`" for known in by_name)
            raise InvalidArgument.field(
                f"instances[{at}].inputs.{name}",
                f"there is no such parameter; expected {known}",
                reason="UNKNOWN_PARAMETER",
            )


def _require_given(
    at: int, instance: Instance, by_name: Mapping[str, InterfaceParameter], names: Sequence[str]
) -> None:
    for name, parameter in by_name.items():
        if (parameter.required or name in names) and name not in instance:
            raise InvalidArgument.field(
                f"instances[{at}].inputs.{name}",
                f"is missing; expected {_expected(parameter)}",
                reason="MISSING_PARAMETER",
            )


def _expected(parameter: InterfaceParameter) -> str:
    return "an image file in base64" if parameter.type == "image" else "a text"


def value_of(parameter: InterfaceParameter, value: str, field: str) -> bytes:
    """The bytes for Triton: UTF-8 of a text, the decoded file of an image. Raises InvalidArgument naming `field`."""
    if parameter.type == "image":
        return _image(value, field)
    if not value.strip():
        raise InvalidArgument.field(field, "is empty; expected a text", reason="EMPTY_TEXT")
    if len(value) > MAX_TEXT_CHARACTERS:
        raise InvalidArgument.field(
            field, f"has {len(value)} characters; expected at most {MAX_TEXT_CHARACTERS}", reason="TEXT_TOO_LONG"
        )
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument.field(field, "holds lone surrogates; expected a text in Unicode") from error


def _image(value: str, field: str) -> bytes:
    text = value.partition(",")[2] if value.startswith("data:") else value
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidArgument.field(
            field, "is not base64; expected an image file in base64", reason="INVALID_BASE64"
        ) from error
    if not content:
        raise InvalidArgument.field(field, "is empty; expected an image file in base64", reason="EMPTY_IMAGE")
    if len(content) > MAX_IMAGE_BYTES:
        raise InvalidArgument.field(
            field, f"has {len(content)} bytes; expected at most {MAX_IMAGE_BYTES}", reason="IMAGE_TOO_LARGE"
        )
    return content

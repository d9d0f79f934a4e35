"""Dataclasses to bson and back."""

from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

from cattrs import Converter
from cattrs.preconf.bson import make_converter
from cattrs.strategies import configure_union_passthrough

from services.kernel.entity import Entity

E = TypeVar("E", bound=Entity)


@lru_cache(maxsize=1)
def _converter() -> Converter:
    # Detailed validation doubles the time and only words errors that stored data does not have.
    converter = make_converter(detailed_validation=False)
    configure_union_passthrough(str | bool | int | float | bytes | None, converter)
    converter.register_structure_hook_func(lambda kind: kind is object, lambda value, _kind: value)
    return converter


def to_bson(entity: Entity) -> dict[str, Any]:
    """The stored form of an entity: `_id` for `id`, without `pending`. Times keep milliseconds."""
    body: dict[str, Any] = _converter().unstructure(entity)
    del body["pending"]
    body["_id"] = body.pop("id")
    return body


def from_bson(body: dict[str, Any], kind: type[E]) -> E:
    """An entity from its stored form; unknown fields are passed over, missing ones take their defaults."""
    stored = {name: value for name, value in body.items() if name != "_id"}
    stored["id"] = body["_id"]
    stored.pop("pending", None)
    return _converter().structure(stored, kind)


def to_bson_value(value: object) -> Any:
    """A value of a query: enums to their values, tuples and sets to lists, all the way down."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {key: to_bson_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_bson_value(item) for item in value]
    return value

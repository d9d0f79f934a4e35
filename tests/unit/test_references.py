"""Every field of every stored aggregate that refers to content is named to the garbage collection."""

import dataclasses
import types
import typing
from collections.abc import Iterator, Sequence
from datetime import timedelta
from importlib import import_module

import pytest

from services.kernel.entity import Entity
from services.kernel.maintenance import Held, Patience, _values
from services.kernel.storage.mongo import StoredDocument
from services.kernel.values import BundleRef

SERVICES = ("dataset", "algorithm", "trainer", "scheduler", "serving")
NOT_HELD = {
    ("trainer", "provenance.code_hash"),  # a hash of the code, under which nothing is stored
    ("trainer", "code_hash"),
    ("algorithm", "code_hash"),
}
HASHES = {"blob", "manifest", "sha256", "code_hash"}


def held_of(service: str) -> Sequence[Held]:
    held: Sequence[Held] = import_module(f"services.{service}.maintenance").HELD
    return held


def entities_of(service: str) -> list[type[Entity]]:
    import_module(f"services.{service}.models")
    waiting, found = list(Entity.__subclasses__()), []
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if kind.__module__.startswith(f"services.{service}."):
            found.append(kind)
    return found


def content_paths(kind: type, prefix: str = "") -> Iterator[str]:
    """Paths of all bundles and hashes below a dataclass."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        path = f"{prefix}{field.name}"
        if field.name in HASHES:
            yield path
        for part in _classes(hints[field.name]):
            if part is BundleRef:
                yield f"{path}.index"
            elif dataclasses.is_dataclass(part):
                yield from content_paths(part, f"{path}.")


def _classes(hint: object) -> Iterator[type]:
    if isinstance(hint, type) and not isinstance(hint, types.GenericAlias):
        yield hint
    for part in typing.get_args(hint):
        yield from _classes(part)


@pytest.mark.parametrize("service", SERVICES)
def test_every_reference_is_named(service: str) -> None:
    entities = entities_of(service)
    assert entities
    paths = {path for entity in entities for path in content_paths(entity)}
    assert paths, "an aggregate without content was not expected here"
    named = {held.path for held in held_of(service)}
    assert {path for path in paths if (service, path) not in NOT_HELD} <= named
    assert {path for path in named if path != "_id"} <= paths, "a path that no aggregate has"


def test_values_are_found_in_lists_and_sub_documents() -> None:
    row = {"spec": {"inputs": [{"bundle": {"index": "a"}}, {"bundle": None}, {"blob": "x"}, {"bundle": {"index": ""}}]}}
    assert list(_values(row, ["spec", "inputs", "bundle", "index"])) == ["a"]
    assert list(_values({"_id": "wl-1"}, ["_id"])) == ["wl-1"]
    assert list(_values({}, ["a", "b"])) == []


@pytest.mark.parametrize("service", [service for service in SERVICES if service != "algorithm"])
def test_patience_is_with_states_that_there_are(service: str) -> None:
    patience: Sequence[Patience] = import_module(f"services.{service}.maintenance").PATIENCE
    for one in patience:
        assert issubclass(one.document, StoredDocument)
        assert all(limit >= timedelta() for limit in one.limits.values())

from dataclasses import dataclass, field
from datetime import UTC, datetime

import bson
import pytest

from services.kernel.entity import Entity, Visibility
from services.kernel.errors import Conflict, InvalidArgument
from services.kernel.pages import PageToken, page_limit
from services.kernel.storage.conversion import from_bson, to_bson, to_bson_value
from services.kernel.storage.documents import require_etag


@dataclass
class Item:
    name: str
    at: datetime | None = None
    pair: tuple[int, str] = (0, "")


@dataclass(kw_only=True)
class Box(Entity):
    items: list[Item] = field(default_factory=list)
    by_name: dict[str, Item] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    by_visibility: dict[Visibility, int] = field(default_factory=dict)
    first: Item | None = None
    free: dict[str, object] = field(default_factory=dict)
    scalar: str | int | float | bool | None = None


@pytest.mark.parametrize("scalar", ["5", 5, 5.5, True, None])
def test_through_real_bson(scalar: str | int | float | bool | None) -> None:
    item = Item("a", datetime(2024, 1, 2, tzinfo=UTC), (1, "x"))
    box = Box(
        id="b", items=[item], by_name={"a": item}, labels=frozenset({"x", "y"}), first=item,
        free={"n": [1, {"m": None}]}, by_visibility={Visibility.PUBLIC: 2}, visibility=Visibility.PRESET, scalar=scalar,
    )  # fmt: skip
    options: bson.CodecOptions[dict[str, object]] = bson.CodecOptions(tz_aware=True, tzinfo=UTC)
    stored = bson.decode(bson.encode(to_bson(box)), options)
    assert stored["_id"] == "b"
    assert "pending" not in stored
    back = from_bson(stored, Box)
    assert back == box
    assert type(back.scalar) is type(scalar)
    assert isinstance(back.items[0].pair, tuple)


def test_query_values() -> None:
    assert to_bson_value({"$in": (Visibility.PUBLIC, "x"), "n": {1}}) == {"$in": ["public", "x"], "n": [1]}


def test_etag() -> None:
    box = Box(id="b", version=7)
    for etag in ("", "7", '"7"'):
        require_etag(box, etag)
    with pytest.raises(Conflict) as caught:
        require_etag(box, "6")
    assert caught.value.reason == "ETAG_MISMATCH"


def test_page_tokens_and_limits() -> None:
    token = PageToken.after_item("x-1", {"a": 1})
    assert PageToken.parse(token, {"a": 1}).after == "x-1"
    with pytest.raises(InvalidArgument):
        PageToken.parse(token, {"a": 2})
    assert (page_limit(0), page_limit(7), page_limit(10_000)) == (50, 7, 1000)

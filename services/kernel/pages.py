"""Pages of a listing and the opaque tokens between them."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.kernel.errors import InvalidArgument

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000


@dataclass(frozen=True)
class Page(Generic[T]):
    """`total_size` counts everything that matches, not only this page; an empty token means the last page."""

    items: list[T]
    next_page_token: str
    total_size: int


def page_limit(page_size: int) -> int:
    if page_size < 0:
        raise InvalidArgument.field("page_size", "must not be negative")
    return min(page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


@dataclass(frozen=True)
class PageToken:
    """Where the next page begins. It is bound to its query, so that it cannot be used with another filter."""

    after: str

    @classmethod
    def after_item(cls, item_id: str, query: Mapping[str, object]) -> str:
        body = json.dumps([item_id, _fingerprint(query)])
        return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, token: str, query: Mapping[str, object]) -> "PageToken":
        try:
            body = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        except (ValueError, binascii.Error, RecursionError):
            body = None
        match body:
            case [str(after), str(fingerprint)] if after and fingerprint == _fingerprint(query):
                return cls(after)
        raise InvalidArgument.field(
            "page_token", "is not a token of this listing; start again without one", reason="PAGE_TOKEN_INVALID"
        )


def _fingerprint(query: Mapping[str, object]) -> str:
    text = json.dumps(query, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""Samples of the current version."""

from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

from services.dataset.domain import Sample
from services.dataset.handlers.lifecycle import get_dataset
from services.dataset.ports import Ports
from services.kernel.errors import InvalidArgument, NotFound
from services.kernel.pages import Page, PageToken, page_limit

MAX_POSITION_DIGITS = 12
CONTENT_TYPES = {
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
}
UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class SampleQuery:
    dataset_id: str
    class_name: str = ""
    page_size: int = 0
    page_token: str = ""


def list_samples(query: SampleQuery, ports: Ports) -> Page[Sample]:
    """A page in the order of the manifest. A token holds as long as the version is the same."""
    dataset = get_dataset(query.dataset_id, ports)
    version = dataset.current
    if version is None:
        return Page([], "", 0)
    bound: dict[str, object] = {"bundle": version.bundle.index, "class": query.class_name}
    start = _start(query.page_token, bound)
    limit = page_limit(query.page_size)
    total = sum(count.train + count.test for count in version.classes if query.class_name in ("", count.name))
    wanted = (sample for sample in ports.bundles.samples(version.bundle) if query.class_name in ("", sample.class_name))
    found = list(islice(wanted, start, start + limit))
    token = PageToken.after_item(str(start + limit), bound) if start + limit < total else ""
    return Page(found, token, total)


def read_sample(dataset_id: str, path: str, ports: Ports) -> tuple[str, bytes]:
    """Content type and bytes of one sample. A type that a browser would run is never told."""
    version = get_dataset(dataset_id, ports).current
    if version is None:
        raise NotFound(f"The data set holds no sample {path!r} yet.", reason="FILE_NOT_FOUND", metadata={"path": path})
    return CONTENT_TYPES.get(PurePosixPath(path).suffix.lower(), UNKNOWN_TYPE), ports.bundles.content(
        version.bundle, path
    )


def _start(page_token: str, bound: dict[str, object]) -> int:
    after = PageToken.parse(page_token, bound).after if page_token else "0"
    if not after.isdecimal() or len(after) > MAX_POSITION_DIGITS:
        raise InvalidArgument.field("page_token", "is not one that this list gave out", reason="PAGE_TOKEN_INVALID")
    return int(after)

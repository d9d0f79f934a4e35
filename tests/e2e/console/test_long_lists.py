"""A list of a hundred thousand rows, and what changes in it while somebody has scrolled far down."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pymongo
import pytest
from playwright.sync_api import Page, Request, expect

from services.kernel.ids import new_id
from tests.support.browser import Visitor
from tests.support.instance import Platform

ROWS = 100_000
STUCK_MS = 1000
_COUNT_FRAMES = """() => {
  window.drawn = [];
  const step = (now) => { window.drawn.push(now); requestAnimationFrame(step); };
  requestAnimationFrame(step);
}"""


@pytest.fixture(scope="module")
def many(platform: Platform) -> Iterator[None]:
    """Data sets, straight into the database: by the API they would take half an hour."""
    with platform.client() as client:
        purpose = {"level1": "image", "level2": "classification"}
        made = client.post("/api/v1/datasets", {"name": new_id("set"), "purpose": purpose, "format": "dir"})
    with pymongo.MongoClient[dict[str, object]](platform.environment()["MODELYARD_MONGO_URI"]) as mongo:
        datasets = mongo["modelyard_dataset"]["datasets"]
        row = datasets.find_one({"_id": made["id"]})
        assert row is not None
        datasets.insert_many(
            ({**row, "_id": new_id("ds"), "name": f"one-of-many-{number}"} for number in range(ROWS)), ordered=False
        )
        yield
        datasets.delete_many({"name": {"$regex": "^one-of-many"}})


def scroll(page: Page, times: int) -> None:
    page.mouse.move(700, 500)
    for _ in range(times):
        page.mouse.wheel(0, 3000)
        page.wait_for_timeout(60)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_it_scrolls_and_stays_true(many: None, platform: Platform, member: Visitor) -> None:
    page = member.open("/datasets")
    expect(page.get_by_role("status").filter(has_text=re.compile("100,?0"))).to_be_visible()
    rows = page.locator(".ant-table-row")
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/api/v1/datasets?" in request.url:
            asked.append(request.url)

    page.on("request", note)
    page.evaluate(_COUNT_FRAMES)
    scroll(page, 60)
    drawn = page.evaluate("() => window.drawn")
    assert len(asked) > 10, "pages are read as one comes to them"
    assert rows.count() < 100, "only what is in sight is drawn"
    gaps = sorted(later - earlier for earlier, later in pairwise(drawn))
    median, late = gaps[len(gaps) // 2], gaps[len(gaps) * 95 // 100]
    print(
        f"\n{len(asked)} pages read; a frame took {median:.0f} ms, 95 % at most {late:.0f}, the longest {gaps[-1]:.0f}"
    )
    assert gaps[-1] < STUCK_MS
    shown = rows.nth(rows.count() // 2)
    dataset = str(shown.get_attribute("data-row-key"))
    asked.clear()
    with platform.client() as client:
        client.request(
            "PATCH", f"/api/v1/datasets/{dataset}", body={"name": "a-new-name"}, query={"update_mask": "name"}
        )
    expect(page.get_by_text("a-new-name")).to_be_visible()
    assert len(asked) < 5, "the whole list was not read again"
    page.mouse.wheel(0, -1_000_000)
    expect(page.locator(".ant-table-row").first).to_be_visible()

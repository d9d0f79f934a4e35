"""Broken lines and services that are away, while a page is open; and content that wants to be more than text."""

import os
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from services.gateway.client import Client
from services.kernel.ids import new_id
from tests.e2e.console.steps import IMPORTED_MS, choose_archive, new_dataset
from tests.support import jobs
from tests.support.archives import zip_bytes
from tests.support.browser import Visitor
from tests.support.instance import Platform
from tests.support.polling import eventually


def test_an_upload_goes_on_after_a_broken_line(member: Visitor, tmp_path: Path) -> None:
    files = {f"{name}/{at}.txt": os.urandom(300_000).hex().encode() for name in ("a", "b") for at in range(20)}
    archive = tmp_path / "large.zip"
    archive.write_bytes(zip_bytes(files))
    page = member.page
    new_dataset(page, "文本")
    broken: list[str] = []

    def break_twice(route: Route) -> None:
        if len(broken) < 2 and route.request.method == "PATCH":
            broken.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/api/v1/uploads/*", break_twice)
    choose_archive(page, archive)
    expect(page.get_by_text("网络中断，正在等待恢复")).to_be_visible()
    expect(page.get_by_text("已导入").first).to_be_visible(timeout=IMPORTED_MS)
    assert len(broken) == 2


def pid_of(platform: Platform, program: str) -> int:
    rows = (line.split() for line in platform.status().splitlines()[1:])
    return next(int(row[2]) for row in rows if row[0] == program)


@pytest.mark.timeout(300)
def test_a_service_that_stands_still_holds_up_only_its_own_pages(member: Visitor, platform: Platform) -> None:
    pid = pid_of(platform, "dataset")
    os.kill(pid, signal.SIGSTOP)
    try:
        page = member.open("/datasets")
        expect(page.get_by_role("heading", level=1)).to_have_text("数据集")
        expect(page.locator("[aria-busy=true]").first).to_be_visible()
        page.locator("nav").get_by_role("link", name="训练任务").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("训练任务")
        expect(page.get_by_role("status").filter(has_text="共")).to_be_visible()
        page.locator("nav").get_by_role("link", name="数据集").click()
    finally:
        os.kill(pid, signal.SIGCONT)
    expect(page.get_by_role("status").filter(has_text="共")).to_be_visible(timeout=60_000)


@pytest.mark.timeout(300)
def test_a_service_that_is_killed_comes_back_without_a_reload(member: Visitor, platform: Platform) -> None:
    page = member.page
    os.kill(pid_of(platform, "trainer"), signal.SIGKILL)
    page.locator("nav").get_by_role("link", name="训练任务").click()
    alert = page.get_by_role("alert").filter(has_text="服务暂时不可用")
    told = page.get_by_role("status").filter(has_text="共")
    expect(alert.or_(told)).to_be_visible(timeout=60_000)
    if alert.is_visible():
        alert.get_by_role("button", name="重试").click()
    expect(told).to_be_visible(timeout=60_000)


def test_the_gateway_comes_back_and_the_page_is_live_again(member: Visitor, platform: Platform, client: Client) -> None:
    page = member.open("/datasets")
    expect(page.get_by_role("heading", level=1)).to_have_text("数据集")
    os.kill(pid_of(platform, "gateway"), signal.SIGKILL)
    expect(page.get_by_text("与服务器的连接已中断")).to_be_visible()
    expect(page.get_by_text("与服务器的连接已中断")).to_be_hidden(timeout=60_000)
    name = new_id("live")
    body = {"name": name, "format": "dir", "purpose": {"level1": "text", "level2": "classification"}}
    eventually(lambda: client.post("/api/v1/datasets", body)["id"], 30)
    expect(page.get_by_role("link", name=name)).to_be_visible()


HOSTILE = "<img src=x onerror=window.hacked=1>"


def test_labels_and_names_of_strangers_stay_text(member: Visitor, client: Client, tmp_path: Path) -> None:
    files = {f"{HOSTILE}/{at}.txt": HOSTILE.encode() for at in range(3)} | {
        f"plain/{at}.txt": b"<script>window.hacked=1</script>" for at in range(3)
    }
    dataset_id = jobs.create_dataset(client, "text")
    client.patch(f"/api/v1/datasets/{dataset_id}", {"description": HOSTILE})
    dataset = jobs.import_archive(client, dataset_id, jobs.upload(client, tmp_path, zip_bytes(files)))
    assert dataset["state"] == "STATE_IMPORTED", dataset["problems"]
    page = member.open(f"/datasets/{dataset_id}")
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None

"""Handing data over by mouse: two archives, and folders as they lie on the desktop."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.console.steps import IMPORTED_MS, new_dataset
from tests.support import jobs
from tests.support.archives import zip_bytes
from tests.support.browser import Visitor


def laid_out(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def drop(page: Page, zone: Locator, *paths: Path) -> None:
    """Let go of files or folders over a place, as from the desktop."""
    zone.scroll_into_view_if_needed()
    box = zone.bounding_box()
    assert box is not None
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        session.send("Input.dispatchDragEvent", {"type": kind, "data": data, **at})


@pytest.mark.timeout(300)
def test_a_training_set_and_a_test_set_are_dropped_as_two_archives(member: Visitor, tmp_path: Path) -> None:
    page = member.page
    new_dataset(page, "图像", test_set="独立测试集")
    for label, count in (("训练集压缩包", 12), ("测试集压缩包", 3)):
        archive = tmp_path / f"{count}.zip"
        archive.write_bytes(zip_bytes(jobs.two_shades(count)))
        chooser = page.get_by_role("group", name=label)
        drop(page, chooser.get_by_role("button"), archive)
        expect(chooser).to_contain_text(archive.name)
    page.get_by_role("button", name="开始上传").click()
    expect(page.get_by_text("已导入").first).to_be_visible(timeout=IMPORTED_MS)
    for label, samples in (("训练样本", "24"), ("测试样本", "6")):
        fact = page.locator(".ant-descriptions-item-container", has_text=label)
        expect(fact.locator(".ant-descriptions-item-content")).to_have_text(samples)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", ["dropped", "chosen"])
def test_a_folder_is_handed_over_to_the_guide(member: Visitor, tmp_path: Path, way: str) -> None:
    """With more files than a browser lists at once, some in folders of folders, some that are no pictures."""
    files = jobs.two_shades(120) | {"notes.txt": b"to do", "dark/.DS_Store": b"\0"}
    folder = laid_out(tmp_path / "photos", files)
    page = member.open("/guide")
    page.get_by_label("起个名字").fill("我的照片")
    page.get_by_role("button", name="下一步").click()
    if way == "dropped":
        drop(page, page.get_by_role("group", name=re.compile("拖")), folder)
    else:
        page.locator("input[webkitdirectory]").set_input_files(folder)
    expect(page.get_by_text("找到 2 类，共 240 个样本")).to_be_visible()
    page.get_by_role("button", name="开始学习").click()
    page.wait_for_url("**task=task-*", timeout=IMPORTED_MS)

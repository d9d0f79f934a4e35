"""What people do at the console, again and again."""

from pathlib import Path

from playwright.sync_api import Page, expect

from services.kernel.ids import new_id

IMPORTED_MS = 60_000


def new_dataset(page: Page, level1: str, *, test_set: str = "") -> str:
    """By the form; its name. The page of the new data set is open then."""
    name = new_id("set")
    page.locator("nav").get_by_role("link", name="数据集").click()
    page.get_by_role("button", name="新建数据集").first.click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_label("名称").fill(name)
    if level1 != "图像":
        drawer.get_by_label("用途（一级）").click()
        page.locator(".ant-select-item-option").get_by_text(level1, exact=True).click()
    if test_set:
        drawer.get_by_role("radio", name=test_set).check()
    drawer.get_by_role("button", name="创建并去上传").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    return name


def choose_archive(page: Page, archive: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(archive)
    page.get_by_role("button", name="开始上传").click()

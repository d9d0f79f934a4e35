"""Signing in, the frame around all pages, languages and appearances."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import PAGES, Visitor, visitor
from tests.support.instance import Platform


def test_a_wrong_password_is_told_and_what_was_typed_stays(guest: Visitor) -> None:
    page = guest.open("/")
    page.get_by_label("用户名").fill("admin")
    page.get_by_label("密码").fill("wrong password")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_contain_text("用户名或密码错误")
    expect(page.get_by_label("用户名")).to_have_value("admin")


def test_a_link_is_opened_after_signing_in(guest: Visitor, platform: Platform) -> None:
    page = guest.open("/tasks?state=STATE_FINISHED")
    page.wait_for_url("**/sign-in?next=*")
    page.get_by_label("用户名").fill("admin")
    page.get_by_label("密码").fill(platform.environment()["MODELYARD_ADMIN_PASSWORD"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks?state=STATE_FINISHED")
    expect(page.get_by_role("heading", level=1)).to_have_text("训练任务")


def test_signing_out_ends_the_session(member: Visitor) -> None:
    page = member.page
    page.get_by_role("button", name="admin").click()
    page.get_by_role("menuitem", name="退出登录").click()
    page.wait_for_url("**/sign-in*")
    member.open("/overview")
    page.wait_for_url("**/sign-in*")


def test_no_script_can_read_the_session(member: Visitor) -> None:
    cookies = {one["name"]: one for one in member.context.cookies()}
    assert cookies["modelyard_session"]["httpOnly"]
    assert cookies["modelyard_session"]["sameSite"] == "Strict"
    assert "modelyard_session" not in member.page.evaluate("document.cookie")


def test_the_language_is_kept(member: Visitor) -> None:
    page = member.page
    expect(page.get_by_role("heading", level=1)).to_have_text("概览")
    page.get_by_role("button", name="语言").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert page.locator("html").get_attribute("lang") == "en"
    assert not re.search(r"[\u4e00-\u9fff]", page.locator("nav").inner_text())


def test_an_address_of_nothing_says_so_and_leads_back(member: Visitor) -> None:
    page = member.open("/nowhere")
    expect(page.get_by_text("这个地址没有内容")).to_be_visible()
    for missing in ("/datasets/ds-none", "/tasks/task-none", "/models/mdl-none", "/services/svc-none"):
        member.open(missing)
        expect(page.get_by_text("这个地址没有内容")).to_be_visible()
    page.get_by_role("link", name="概览").first.click()
    page.wait_for_url("**/overview")


def test_the_keyboard_reaches_the_content(member: Visitor) -> None:
    page = member.page
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("appearance", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_accessible(running_browser: Browser, platform: Platform, language: str, appearance: str) -> None:
    found = {}
    with visitor(running_browser, platform, language=language, appearance=appearance) as one:
        one.sign_in()
        for address in (*PAGES, "account"):
            one.open(f"/{address}")
            expect(one.page.get_by_role("heading", level=1)).to_be_visible()
            one.page.wait_for_timeout(700)  # lists arrive, animations end
            if broken := one.violations():
                found[address] = broken
            assert one.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address
        assert one.complaints == []
    assert not found

"""Chromium for the tests of the console."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import Visitor, browser, chromium, visitor
from tests.support.instance import Platform

expect.set_options(timeout=20_000)


@pytest.fixture(scope="package")
def running_browser() -> Iterator[Browser]:
    """Ends with the tests of the console: while Playwright is there, its event loop keeps out that of other tests."""
    if not chromium():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with browser() as running:
        yield running


@pytest.fixture
def guest(running_browser: Browser, platform: Platform) -> Iterator[Visitor]:
    """Somebody who has not signed in."""
    with visitor(running_browser, platform) as one:
        yield one
        assert one.complaints == []


@pytest.fixture
def member(guest: Visitor) -> Visitor:
    """Somebody who has signed in."""
    guest.sign_in()
    return guest

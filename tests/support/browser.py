"""Chromium as people use it: the console of a running platform, with an eye on what should never happen."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.support.instance import ROOT, Platform

PAGES = (
    "overview",
    "guide",
    "datasets",
    "algorithms",
    "tasks",
    "tasks/new",
    "models",
    "services",
    "cluster",
    "events",
)
"""Addresses of the console that need no resource."""

AXE = ROOT / "services" / "gateway" / "console" / "node_modules" / "axe-core" / "axe.min.js"
# What a browser says itself of a request that was refused or broken, which is often what a test wants.
_EXPECTED = re.compile(r"Failed to load resource|net::ERR_")


def chromium() -> str:
    """The program, or nothing."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # A sandbox of its own is not there for root and in containers; the pages are ours.
        running = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield running
        finally:
            running.close()


@dataclass
class Visitor:
    """Somebody at the console. `complaints` are errors of scripts and of the content-security policy."""

    platform: Platform
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str) -> Page:
        self.page.goto(f"{self.platform.url}{address}")
        return self.page

    def sign_in(self) -> Page:
        """By the form, as everybody."""
        page = self.open("/sign-in")
        page.locator("input[autocomplete=username]").fill("admin")
        page.locator("input[type=password]").fill(self.platform.environment()["MODELYARD_ADMIN_PASSWORD"])
        page.locator("button[type=submit]").click()
        page.wait_for_url("**/overview")
        return page

    def violations(self) -> list[str]:
        """What axe finds against WCAG 2.1 A and AA on the page as it is."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})")[
            "violations"
        ]
        return [f"{one['id']}: {one['help']} {[node['html'][:200] for node in one['nodes'][:3]]}" for one in found]


@contextmanager
def visitor(
    running: Browser, platform: Platform, *, language: str = "zh", appearance: str = "light", width: int = 1280
) -> Iterator[Visitor]:
    context = running.new_context(viewport={"width": width, "height": 800}, accept_downloads=True)
    context.set_default_timeout(20_000)
    context.add_init_script(
        f"localStorage.setItem('modelyard.language', '{language}');"
        f"localStorage.setItem('modelyard.appearance', '{appearance}');"
    )
    one = Visitor(platform, context, context.new_page())

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not _EXPECTED.search(message.text):
            one.complaints.append(message.text)

    one.page.on("console", hear)
    one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
    try:
        yield one
    finally:
        context.close()


def screenshot(one: Visitor, folder: Path, name: str) -> None:
    one.page.wait_for_timeout(600)  # animations
    one.page.screenshot(path=str(folder / f"{name}.png"))

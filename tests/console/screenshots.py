"""`make screenshots`: every page of the console in both languages and appearances, from the instance that runs."""

import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from deploy.embedded.settings import instance_from_environment
from services.gateway.client import Client
from tests.support.browser import PAGES, browser, chromium, screenshot, visitor
from tests.support.instance import Platform

_DETAILS = ("datasets", "algorithms", "tasks", "models", "services")


def addresses(client: Client) -> Iterator[str]:
    """All lists, and one of each kind of thing."""
    yield from PAGES
    for kind in _DETAILS:
        for one in client.get(f"/api/v1/{kind}", page_size=1)[kind]:
            yield f"{kind}/{one['id']}"


def main(folder: Path) -> int:
    instance = instance_from_environment()
    platform = Platform(instance.home, instance.port_base)
    if not chromium():
        print("error: Chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    with platform.client() as client:
        pages = list(addresses(client))
    with browser() as running:
        for language, appearance in product(("zh", "en"), ("light", "dark")):
            with visitor(running, platform, language=language, appearance=appearance) as one:
                one.open("/sign-in")
                screenshot(one, folder, f"sign-in.{language}.{appearance}")
                one.sign_in()
                for address in pages:
                    one.open(f"/{address}")
                    one.page.wait_for_timeout(1500)
                    name = address.partition("-")[0].replace("/", "-") if address not in PAGES else address
                    screenshot(one, folder, f"{name.replace('/', '-')}.{language}.{appearance}")
            print(f"{len(pages) + 1} pages in {language}, {appearance}: {folder}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

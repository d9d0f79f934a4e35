"""How fast pages of the console load, as Lighthouse judges it: `make up`, then `make bench-console`.

For a desktop computer with nothing in its cache, signed in, from the instance that runs. The last line is one JSON
object: for each page the score from 0 to 1, and ms until the first and the largest paint and of blocked time.
"""

import json
import sys

import httpx

from deploy.embedded.settings import instance_from_environment
from tests.support import lighthouse
from tests.support.browser import browser, chromium, visitor
from tests.support.instance import Platform


def main() -> int:
    instance = instance_from_environment()
    platform = Platform(instance.home, instance.port_base)
    if not chromium():
        print("error: Chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 2
    try:
        httpx.get(f"{platform.url}/healthz", trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        print(f"error: the platform does not answer at {platform.url} ({error}): make up", file=sys.stderr)
        return 2
    results: dict[str, dict[str, float]] = {}
    with browser() as running, visitor(running, platform) as member:
        member.sign_in()
        with lighthouse.judge(member) as judge:
            for page in lighthouse.PAGES:
                results[page] = judge.load(page)
                print(f"{page}: {results[page]}", flush=True)
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())

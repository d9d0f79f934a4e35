"""How fast pages of the console load, as Lighthouse judges it: `make up`, then `make bench-console`.

For a desktop computer with nothing in its cache, signed in, from the instance that runs. The last line is one JSON
object: for each page the score from 0 to 1, and ms until the first and the largest paint and of blocked time.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import httpx

from deploy.embedded import console
from deploy.embedded.settings import EmbeddedError, instance_from_environment
from tests.support.browser import browser, chromium, visitor
from tests.support.instance import Platform

PAGES = ("overview", "datasets")
_LIGHTHOUSE = Path(__file__).parent / "lighthouse"
_FIGURES = {
    "first_paint_ms": "first-contentful-paint",
    "largest_paint_ms": "largest-contentful-paint",
    "blocked_ms": "total-blocking-time",
}


def measured(url: str, headers: Path, report: Path) -> dict[str, float]:
    """Raises EmbeddedError."""
    console.run_package(
        _LIGHTHOUSE,
        "lighthouse/cli/index.js",
        url,
        "--preset=desktop",
        "--only-categories=performance",
        f"--extra-headers={headers}",
        "--output=json",
        f"--output-path={report}",
        "--chrome-flags=--headless=new --no-sandbox --disable-dev-shm-usage",
        "--quiet",
    )
    found = json.loads(report.read_text())
    if found["finalDisplayedUrl"] != url:
        raise EmbeddedError(f"{url} led to {found['finalDisplayedUrl']}")
    figures = {name: round(found["audits"][audit]["numericValue"]) for name, audit in _FIGURES.items()}
    return {"score": found["categories"]["performance"]["score"], **figures}


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
    os.environ["CHROME_PATH"] = chromium()
    console.install_packages(_LIGHTHOUSE)
    with browser() as running, visitor(running, platform) as one:
        one.sign_in()
        cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in one.context.cookies())
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        headers = Path(folder) / "headers.json"
        headers.write_text(json.dumps({"Cookie": cookies}))
        for page in PAGES:
            results[page] = measured(f"{platform.url}/{page}", headers, Path(folder) / "report.json")
            print(f"{page}: {results[page]}", flush=True)
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())

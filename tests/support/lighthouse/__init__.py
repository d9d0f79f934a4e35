"""How fast pages of the console load, as Lighthouse judges it: a desktop computer with nothing in its cache."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded import console
from deploy.embedded.settings import EmbeddedError
from tests.support.browser import Visitor, chromium

PAGES = ("overview", "datasets")
_PACKAGES = Path(__file__).parent
_FIGURES = {
    "first_paint_ms": "first-contentful-paint",
    "largest_paint_ms": "largest-contentful-paint",
    "blocked_ms": "total-blocking-time",
}


class Judge:
    """Loads pages as the one who has signed in. `judge` makes it."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder

    def load(self, page: str) -> dict[str, float]:
        """The score from 0 to 1, and ms until the first and the largest paint and of blocked time.

        Raises EmbeddedError.
        """
        url, report = f"{self._url}/{page}", self._folder / "report.json"
        console.run_package(
            _PACKAGES,
            "lighthouse/cli/index.js",
            url,
            "--preset=desktop",
            "--only-categories=performance",
            f"--extra-headers={self._folder / 'headers.json'}",
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


@contextmanager
def judge(member: Visitor) -> Iterator[Judge]:
    """Lighthouse with the session of somebody who has signed in; installed if need be."""
    os.environ["CHROME_PATH"] = chromium()
    console.install_packages(_PACKAGES)
    cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in member.context.cookies())
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "headers.json").write_text(json.dumps({"Cookie": cookies}))
        yield Judge(member.platform.url, Path(folder))

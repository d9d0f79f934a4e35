"""The README's API section, run as it stands."""

import json
import os
import re
import subprocess
from pathlib import Path

from tests.e2e.conftest import ROOT, Platform


def test_the_main_job_by_curl(platform: Platform, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- begin: the main job by curl -->\n```bash\n(.*?)```\n<!-- end -->", readme, re.DOTALL)
    assert found
    environment = os.environ | {
        "URL": platform.url,
        "PASSWORD": platform.environment()["MODELYARD_ADMIN_PASSWORD"],
        "TMPDIR": str(tmp_path),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", found.group(1)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout[done.stdout.rindex('{"predictions"') :])
    assert answer["predictions"][0]["label"] == "7"
    accuracy = float(re.findall(r'"accuracy": *([0-9.]+)', done.stdout)[0])
    assert accuracy > 0.8

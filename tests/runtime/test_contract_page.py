"""The example of CONTRACT.md does what the page says."""

import json
import re
import subprocess
from pathlib import Path

from services.algorithm.packaging import load_definition
from tests.runtime.conftest import ROOT


def test_the_example_trains(python: str, tmp_path: Path) -> None:
    page = (ROOT / "services" / "algorithm" / "CONTRACT.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"`([\w.]+)`\n\n```\w+\n(.*?)```", page, flags=re.DOTALL))
    folder = tmp_path / "my-classifier"
    folder.mkdir()
    for name in ("algorithm.yaml", "train.py"):
        (folder / name).write_text(blocks[name], encoding="utf-8")
    for at in range(8):
        path = tmp_path / "titles" / ("cats", "dogs")[at % 2] / f"{at}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(("a cat purrs", "the dog barks")[at % 2], encoding="utf-8")
    assert load_definition(folder).name == "my-classifier"
    command = [python, "-m", "services.algorithm.sdk.run", str(folder), "--dataset", str(tmp_path / "titles")]
    command += ["--output", str(tmp_path / "out"), "--param", "alpha=0.5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["overall"]["accuracy"] == 1.0
    assert (tmp_path / "out" / "model" / "model.yaml").is_file()

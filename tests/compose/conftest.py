"""The Compose file as Compose itself understands it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "deploy" / "compose"
COMPOSE = Path(sys.executable).parent / "docker-compose"


def run_compose(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """`docker-compose ARGUMENTS` for our files, with nothing of this machine's environment."""
    return subprocess.run(
        [COMPOSE, "-f", FOLDER / "compose.yaml", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def resolved(environment_file: Path, *arguments: str) -> dict[str, Any]:
    """The configuration with everything filled in. Arguments stand before the command, as `--profile NAME`."""
    done = run_compose("--env-file", str(environment_file), *arguments, "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr.lower(), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="session")
def environment_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made as an administrator would make it."""
    path = tmp_path_factory.mktemp("compose") / ".env"
    subprocess.run([sys.executable, FOLDER / "make_env.py", path], check=True, timeout=30)
    return path


@pytest.fixture(scope="session")
def configuration(environment_file: Path) -> dict[str, Any]:
    return resolved(environment_file, "--profile", "observability")

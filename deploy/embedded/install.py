"""Sets up a checkout: `python3.11 -m deploy.embedded.install [--cuda] [--browser]`.

Standard library only; nothing is there yet.

Every step keeps a stamp, the hash of what it was made from, so that a second run takes no time. A step that was
interrupted is made again from nothing.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded import console
from deploy.embedded.packages import install_packages, missing_browser, missing_packages
from deploy.embedded.settings import CHECKOUT, EmbeddedError, runtime_folder, tools_folder
from deploy.embedded.tools import install_tools, tools_work

REQUIREMENTS = CHECKOUT / "requirements"
PLATFORM = CHECKOUT / ".venv"
_ALLOCATION = CHECKOUT / "services" / "scheduler" / "core"


@dataclass(frozen=True)
class Step:
    """A folder of the checkout that is made from some files.

    Attributes:
        works: whether what stands in the folder can be used as it is, whoever made it.
        make: makes or completes the folder.
    """

    name: str
    folder: Path
    sources: tuple[Path, ...]
    works: Callable[[], bool]
    make: Callable[[], None]

    @property
    def _stamp(self) -> Path:
        return self.folder / ".modelyard-stamp"

    @property
    def _interrupted(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.incomplete")

    def _hash(self) -> str:
        digest = hashlib.sha256(f"{sys.version} {self.folder}".encode())
        for source in self.sources:
            digest.update(source.read_bytes())
        return digest.hexdigest()

    def done(self) -> bool:
        return self._stamp.exists() and self._stamp.read_text() == self._hash() and self.works()

    def run(self) -> None:
        started = time.monotonic()
        if self._interrupted.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
        self._interrupted.touch()
        self._stamp.unlink(missing_ok=True)
        say(f"{self.name}: setting up {self.folder.relative_to(CHECKOUT)}")
        try:
            self.make()
        except EmbeddedError:
            # pip failed by itself, which leaves the environment as it was
            self._interrupted.unlink()
            raise
        self._stamp.write_text(self._hash())
        self._interrupted.unlink()
        say(f"{self.name}: done after {time.monotonic() - started:.0f} s")


def say(line: str) -> None:
    print(line, flush=True)


def _run(command: Sequence[str | Path], what: str) -> None:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, cwd=CHECKOUT, env=_environment()
    )
    if done.returncode:
        raise EmbeddedError(f"{what} failed:\n{(done.stdout + done.stderr).strip()[-3000:]}")


def _environment() -> dict[str, str]:
    # an activated environment or a foreign search path must not leak into ours
    foreign = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in foreign}


def _python_works(folder: Path) -> bool:
    python = folder / "bin" / "python"
    check = "import sys, pip; sys.exit(sys.version_info[:2] != (3, 11))"
    return python.exists() and subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0


def _create_venv(folder: Path) -> None:
    if _python_works(folder):
        return
    shutil.rmtree(folder, ignore_errors=True)
    _run(
        [sys.executable, "-m", "venv", folder],
        "creating a virtual environment (on Debian it needs the package python3.11-venv)",
    )


def _pip(folder: Path) -> list[str | Path]:
    return [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]


def _uv(folder: Path) -> list[str | Path]:
    """uv as installed in the platform environment, working on `folder`."""
    uv = PLATFORM / "bin" / "uv"
    return [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", folder / "bin" / "python"]


def _pinned(lock: Path, name: str) -> str:
    return next(line for line in lock.read_text().splitlines() if line.startswith(f"{name}=="))


def _install_platform() -> None:
    _create_venv(PLATFORM)
    locks = [REQUIREMENTS / "platform.txt", REQUIREMENTS / "dev.txt"]
    files = [f"--requirement={lock}" for lock in locks]
    try:
        _run([*_pip(PLATFORM), _pinned(locks[1], "uv")], "installing uv")
        _run([*_uv(PLATFORM), *files], "installing the platform's packages with uv")
    except EmbeddedError as error:
        say(f"platform: {error.args[0].splitlines()[0]} going on with pip")
        _run([*_pip(PLATFORM), *files], "installing the platform's packages with pip")
    if (CHECKOUT / "pyproject.toml").exists():
        editable = ["--no-deps", "--no-build-isolation", f"--editable={CHECKOUT}"]
        _run([*_pip(PLATFORM), *editable], "installing the command modelyard")


def _install_runtime(cuda: bool) -> None:
    runtime = runtime_folder()
    _create_venv(runtime)
    if cuda:
        _run([*_uv(runtime), "-r", REQUIREMENTS / "runtime-cuda.txt"], "installing the runtime's packages for CUDA")
    else:
        _run([*_pip(runtime), "-r", REQUIREMENTS / "runtime.txt"], "installing the runtime's packages")


def _steps(cuda: bool) -> list[Step]:
    own = Path(__file__).parent
    lock = REQUIREMENTS / ("runtime-cuda.txt" if cuda else "runtime.txt")
    platform_sources = (REQUIREMENTS / "platform.txt", REQUIREMENTS / "dev.txt", CHECKOUT / "pyproject.toml")
    return [
        Step(
            "platform",
            PLATFORM,
            tuple(path for path in platform_sources if path.exists()),
            lambda: _python_works(PLATFORM),
            _install_platform,
        ),
        Step(
            "runtime",
            runtime_folder(),
            (lock,),
            lambda: _python_works(runtime_folder()),
            lambda: _install_runtime(cuda),
        ),
        Step(
            "servers",
            tools_folder(),
            (REQUIREMENTS / "tools.txt", own / "tools.py"),
            tools_work,
            lambda: install_tools(PLATFORM / "bin" / "python", lambda line: say(f"servers: {line}")),
        ),
        Step(
            "scheduler",
            _ALLOCATION / "__pycache__",
            (REQUIREMENTS / "platform.txt", *sorted(_ALLOCATION.glob("*.py"))),
            lambda: True,
            lambda: _run([PLATFORM / "bin" / "python", "-m", "services.scheduler.core"], "compiling the allocation"),
        ),
        Step("console", console.BUILT, (*console.sources(), own / "console.py"), console.is_built, console.build),
    ]


def install(cuda: bool, browser: bool = False) -> None:
    """Do what is missing; `browser` for the tests of the console.

    Raises:
        EmbeddedError: something could not be installed; says what and how to help.
    """
    if sys.version_info[:2] != (3, 11):
        raise EmbeddedError(f"Python 3.11 is needed, this is {sys.version.split()[0]}")
    platform, *others = steps = _steps(cuda)
    pending = [step for step in steps if not step.done()]
    packages = missing_packages() + (missing_browser() if browser else [])
    if not pending and not packages:
        return
    if platform in pending:
        # first, because the others borrow its pip and uv
        platform.run()
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(step.run) for step in others if step in pending]
        running.append(pool.submit(install_packages, packages, say))
        for future in running:
            future.result()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded.install", description=__doc__)
    parser.add_argument("--cuda", action="store_true", help="the runtime environment for a machine with an NVIDIA GPU")
    parser.add_argument("--browser", action="store_true", help="also Chromium, for the tests of the console")
    given = parser.parse_args()
    try:
        install(given.cuda, given.browser)
    except EmbeddedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The few things that come from the system's package manager: RabbitMQ, bubblewrap and, where absent, libraries."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.embedded.settings import EmbeddedError
from deploy.embedded.tools import find_libpython

Say = Callable[[str], None]
RABBITMQ = "rabbitmq-server"
BUBBLEWRAP = "bubblewrap"
CHROMIUM = "chromium"
BROWSER = (CHROMIUM, "fonts-noto-cjk")
_POLICY = Path("/usr/sbin/policy-rc.d")


def _libcurl_is_missing() -> bool:
    listing = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
    return "libcurl.so.4" not in listing


def _libpython_is_missing() -> bool:
    try:
        find_libpython()
    except EmbeddedError:
        return True
    return False


def missing_packages() -> list[str]:
    """Names of Debian packages that this machine lacks."""
    rabbitmq = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    missing = {
        RABBITMQ: not rabbitmq.exists() and not os.environ.get("MODELYARD_AMQP_URI"),
        BUBBLEWRAP: shutil.which("bwrap") is None,
        "libcurl4": _libcurl_is_missing(),
        "libpython3.11": _libpython_is_missing(),
    }
    return [name for name, lacking in missing.items() if lacking]


def missing_browser() -> list[str]:
    """Names of Debian packages that only the tests of the console need: Chromium, and letters for Chinese."""
    return [] if shutil.which(CHROMIUM) else list(BROWSER)


def install_packages(names: Sequence[str], say: Say) -> None:
    """Install with apt where that is possible.

    Raises:
        EmbeddedError: it is not possible, and something is missing without which the stack cannot run.
    """
    if not names:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"packages: installing {', '.join(names)}")
        _apt_get(names)
        return
    if BUBBLEWRAP in names:
        say("packages: bubblewrap is missing; training runs are not isolated from the system until it is installed")
    if CHROMIUM in names:
        say("packages: chromium is missing; the tests of the console are skipped until it is installed")
    needed = [name for name in names if name not in (BUBBLEWRAP, *BROWSER)]
    if needed:
        hint = "; or set MODELYARD_AMQP_URI to a RabbitMQ that is there" if RABBITMQ in needed else ""
        raise EmbeddedError(f"please install: {' '.join(needed)} (as root: apt-get install {' '.join(needed)}){hint}")


def _apt_get(names: Sequence[str]) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # Debian starts what it installs; the stack runs its own broker
    made_policy = not _POLICY.exists()
    if made_policy:
        _POLICY.write_text("#!/bin/sh\nexit 101\n")
        _POLICY.chmod(0o755)
    try:
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *names]):
            done = subprocess.run(
                ["apt-get", "-qq", *command], capture_output=True, text=True, check=False, env=environment
            )
            if done.returncode:
                raise EmbeddedError(f"apt-get {command[0]} failed:\n{(done.stdout + done.stderr).strip()[-2000:]}")
    finally:
        if made_policy:
            _POLICY.unlink()

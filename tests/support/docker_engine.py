"""A Docker engine of the tests' own: Debian's dockerd on a socket, with folders of its own, without networks."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.polling import eventually

START_S = 90
STOP_S = 60
_CLIENT = "/usr/bin/docker"  # Debian's, which builds with BuildKit by itself


class NoEngine(Exception):
    """Why this machine has no engine."""


@dataclass(frozen=True)
class Engine:
    socket: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/root"),
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_BUILDKIT": "1",
        }

    def docker(self, *arguments: str | Path, timeout: float = 120) -> str:
        """The output of `docker ARGUMENTS`. AssertionError with all that it said when it fails."""
        done = subprocess.run(
            [_CLIENT, *arguments], env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, f"docker {arguments[0]}: {done.stdout[-3000:]}\n{done.stderr[-5000:]}"
        return done.stdout.strip()

    def build(self, context: Path, file: Path, target: str, tag: str, arguments: Mapping[str, str]) -> None:
        given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        options = ["--network=host", f"--file={file}", f"--target={target}", f"--tag={tag}", *given]
        self.docker("build", *options, context, timeout=1200)


@contextmanager
def engine() -> Iterator[Engine]:
    """Raises NoEngine where none can be started, for a reason that is this machine's."""
    dockerd = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin")
    if dockerd is None or not Path(_CLIENT).exists():
        raise NoEngine("Debian's package docker.io is not installed")
    if os.geteuid() != 0:
        raise NoEngine("a Docker engine needs root")
    folder = Path(tempfile.mkdtemp(prefix="modelyard-docker-"))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_command(dockerd, folder), stdout=log, stderr=subprocess.STDOUT)
    try:
        found = Engine(folder / "socket")
        _wait(process, found, folder / "log")
        yield found
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _remove(folder)


def _command(dockerd: str, folder: Path) -> list[str]:
    paths = {"data-root": "data", "exec-root": "exec", "pidfile": "pid", "config-file": "none.json"}
    (folder / "none.json").write_text("{}")
    initial = shutil.which("docker-init") or shutil.which("tini")
    return [
        dockerd,
        f"--host=unix://{folder / 'socket'}",
        *(f"--{name}={folder / path}" for name, path in paths.items()),
        *("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"),
        *([f"--init-path={initial}"] if initial else []),
    ]


def _wait(process: "subprocess.Popen[bytes]", found: Engine, log: Path) -> None:
    def answers() -> bool:
        if process.poll() is not None:
            raise NoEngine(f"dockerd ended: {log.read_text(errors='replace')[-600:]}")
        asked = subprocess.run([_CLIENT, "info"], env=found.environment, capture_output=True, timeout=60, check=False)
        return asked.returncode == 0

    try:
        eventually(answers, START_S, 0.5)
    except AssertionError:
        raise NoEngine(f"dockerd did not come up: {log.read_text(errors='replace')[-600:]}") from None


def _remove(folder: Path) -> None:
    """What containers and layers were mounted on may outlive a dockerd that was killed."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)

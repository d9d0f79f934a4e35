"""The sandbox of a process: bubblewrap's command line."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
# Not all of /etc: it holds password hashes and keys.
_SYSTEM_FILES = (
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/group",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki",
    "/etc/resolv.conf",
    "/etc/ssl",
    "/sys/devices/system/cpu",
)


@dataclass(frozen=True)
class View:
    """What a process sees beside the system: `read_only` and `writable` folders at their own paths, `tmp` as /tmp."""

    read_only: Sequence[Path]
    writable: Sequence[Path]
    tmp: Path
    cwd: Path
    network: bool = False
    gpu: bool = False


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether bubblewrap is there and the kernel lets it work."""
    if shutil.which("bwrap") is None:
        return False
    trial = [
        "bwrap",
        "--unshare-pid",
        "--unshare-net",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "true",
    ]
    try:
        return subprocess.run(trial, capture_output=True, timeout=20, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@lru_cache(maxsize=8)
def interpreter_folders(python: str) -> tuple[Path, ...]:
    """The folders that the interpreter `python` lives in: its environment and the installation below it."""
    question = "import json, sys; print(json.dumps([sys.prefix, sys.base_prefix]))"
    answer = subprocess.run([python, "-I", "-S", "-c", question], capture_output=True, timeout=60, check=True)
    prefixes = [Path(python).parent.parent, *map(Path, json.loads(answer.stdout)), Path(python).resolve().parent.parent]
    return tuple(dict.fromkeys(prefix for prefix in prefixes if not prefix.is_relative_to("/usr")))


def command_line(command: Sequence[str], env: Mapping[str, str], view: View) -> list[str]:
    """`command` inside the sandbox, with `env` as its whole environment.

    The variables are set by bubblewrap inside: were they set outside, LD_PRELOAD would reach bubblewrap itself.
    """
    line = ["bwrap", "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    line += ["--cap-drop", "ALL", "--hostname", "modelyard", *([] if view.network else ["--unshare-net"])]
    for system in (*_SYSTEM_FOLDERS, *_SYSTEM_FILES):
        line += ["--ro-bind-try", system, system]
    line += ["--proc", "/proc", "--dev", "/dev", "--bind", str(view.tmp), "/tmp"]  # noqa: S108  # inside the sandbox
    for path in view.writable:
        line += ["--bind", str(path), str(path)]
    for path in view.read_only:
        line += ["--ro-bind", str(path), str(path)]
    for device in map(str, Path("/dev").glob("nvidia*")) if view.gpu else ():
        line += ["--dev-bind-try", device, device]
    line += ["--chdir", str(view.cwd), "--clearenv"]
    for name, value in env.items():
        line += ["--setenv", name, value]
    return [*line, "--", *command]

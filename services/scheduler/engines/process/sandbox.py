"""The sandbox of a process: bubblewrap's command line."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from services.kernel.errors import Unavailable

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
# bubblewrap leaves /proc/sys writable for root.
_PROC = ("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys")
_NAMESPACES = ("--unshare-pid", "--unshare-ipc", "--unshare-uts")
_TRIAL_S = 20
_TOLD = 300


@dataclass(frozen=True)
class View:
    """What a process sees beside the system: `read_only` and `writable` folders at their own paths, `tmp` as /tmp.

    `memory_bytes` is how much /dev/shm holds at most, 0 what the kernel gives; nothing else lies in memory.
    """

    read_only: Sequence[Path]
    writable: Sequence[Path]
    tmp: Path
    cwd: Path
    network: bool = False
    gpu: bool = False
    memory_bytes: int = 0


def available() -> bool:
    """Whether bubblewrap is installed. Raises Unavailable when it is but does not work, so that nothing runs open."""
    if shutil.which("bwrap") is None:
        return False
    _try()
    return True


@lru_cache(maxsize=1)  # an exception is not kept, so that the next call tries again
def _try() -> None:
    trial = ["bwrap", *_NAMESPACES, "--unshare-net", "--cap-drop", "ALL", "--ro-bind", "/", "/", *_PROC]
    trial += ["--dev", "/dev", *_memory(0), "true"]
    try:
        done = subprocess.run(trial, capture_output=True, timeout=_TRIAL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unusable(str(error)) from error
    if done.returncode != 0:
        raise _unusable(done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}")


def _unusable(why: str) -> Unavailable:
    return Unavailable(
        "The sandbox (bubblewrap) is installed but does not work on this node; "
        "where it never can, MODELYARD_AGENT_SANDBOX=off runs workloads without it. "
        f"It said: {why[-_TOLD:]}",
        reason="SANDBOX_UNUSABLE",
    )


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
    line = ["bwrap", "--die-with-parent", "--new-session", *_NAMESPACES]
    line += ["--cap-drop", "ALL", "--hostname", "modelyard", *([] if view.network else ["--unshare-net"])]
    for system in (*_SYSTEM_FOLDERS, *_SYSTEM_FILES):
        line += ["--ro-bind-try", system, system]
    line += [*_PROC, "--dev", "/dev", "--bind", str(view.tmp), "/tmp"]  # noqa: S108  # inside the sandbox
    for path in view.writable:
        line += ["--bind", str(path), str(path)]
    for path in view.read_only:
        line += ["--ro-bind", str(path), str(path)]
    for device in map(str, Path("/dev").glob("nvidia*")) if view.gpu else ():
        line += ["--dev-bind-try", device, device]
    line += [*_memory(view.memory_bytes), "--chdir", str(view.cwd), "--clearenv"]
    for name, value in env.items():
        line += ["--setenv", name, value]
    return [*line, "--", *command]


def _memory(size: int) -> list[str]:
    """Options that leave /dev/shm as the only file system in memory that can be written, with at most `size` bytes."""
    limit = ["--size", str(size)] if size else []
    return [*limit, "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/dev", "--remount-ro", "/"]  # noqa: S108  # inside the sandbox

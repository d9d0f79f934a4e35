"""The machine of an embedded instance: disk, secrets, settings, and what is left over."""

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from pydantic import ValidationError

from deploy.embedded.processes import MARKER, command_line, process_ids
from deploy.embedded.secrets import Secrets, secret_path
from deploy.embedded.settings import LOOPBACK, Instance
from services.kernel.diagnosis import Finding, ok, warning, wrong
from services.kernel.retention import RetentionSettings

GIB = 1 << 30
FREE_WRONG = 1 * GIB
FREE_LOW = 5 * GIB
SHARE_LOW = 0.05
INODES_LOW = 0.05
SCRATCH_LARGE = 2 * GIB


def disk(home: Path, usage: os.statvfs_result | None = None) -> Iterator[Finding]:
    """RabbitMQ stops taking messages below 512 MiB."""
    found = os.statvfs(home) if usage is None else usage
    free, size = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    told = f"{free / GIB:.1f} of {size / GIB:.1f} GiB are free at {home}"
    advice = "Delete data sets, tasks and models that nobody needs, then `modelyard gc`; or move the state folder."
    if free < FREE_WRONG:
        yield wrong("disk", told, advice)
    elif free < FREE_LOW or free < SHARE_LOW * size:
        yield warning("disk", told, advice)
    else:
        yield ok("disk", told)
    if found.f_files and found.f_favail < INODES_LOW * found.f_files:
        told = f"{found.f_favail} of {found.f_files} inodes are free"
        yield wrong("inodes", told, "Remove small files, or move the state folder to a file system with more inodes.")


def secrets(home: Path) -> Iterator[Finding]:
    """All there, folder 0700, files 0600, ours."""
    missing = [item.name for item in fields(Secrets) if not secret_path(home, item.name).is_file()]
    if missing:
        told = f"missing in {home}/secrets: {', '.join(missing)}"
        yield wrong("secrets", told, "Restore them from a backup: a start makes new ones, which fit nothing stored.")
    open_ones = []
    paths = [home, home / "secrets", *sorted((home / "secrets").glob("*"))]
    for path in paths:
        found = path.stat()
        if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            open_ones.append(f"{path} has mode {stat.S_IMODE(found.st_mode):04o}")
        elif found.st_uid != os.getuid():
            open_ones.append(f"{path} belongs to user {found.st_uid}")
    if open_ones:
        yield wrong("secrets", "; ".join(open_ones), f"chmod 700 {home} {home}/secrets && chmod 600 {home}/secrets/*")
    elif not missing:
        yield ok("secrets", f"{len(paths) - 2} files, for their owner only")


def settings(environ: Mapping[str, str], *, sandbox: bool | None = None) -> Iterator[Finding]:
    """Settings with which the platform starts, but should not be left."""
    found: list[Finding] = []
    if environ.get("MODELYARD_AGENT_SANDBOX") == "off":
        told = "MODELYARD_AGENT_SANDBOX is off: algorithms can read and write what the agent can"
        found.append(warning("settings", told, "Unset it where bubblewrap works; run only algorithms that you trust."))
    elif not (shutil.which("bwrap") is not None if sandbox is None else sandbox):
        told = "bubblewrap is not installed: algorithms can read and write what the agent can"
        found.append(warning("settings", told, "Install the package bubblewrap, then restart the agent."))
    for name in ("MODELYARD_GATEWAY_HTTP", "MODELYARD_GATEWAY_GRPC"):
        address = environ.get(name, "")
        if address and address.rpartition(":")[0] not in (LOOPBACK, "localhost", "[::1]"):
            told = f"{name} is {address}: passwords and tokens cross the network unencrypted"
            found.append(warning("settings", told, "Listen on loopback behind a proxy that speaks TLS."))
    if environ.get("MODELYARD_LOG_LEVEL", "").lower() == "debug":
        found.append(warning("settings", "MODELYARD_LOG_LEVEL is debug", "Set it to info when you are done."))
    found += _retention(environ)
    yield from found or [ok("settings", "nothing unsafe")]


def _retention(environ: Mapping[str, str]) -> Iterator[Finding]:
    prefix = "MODELYARD_RETENTION_"
    given = {name.removeprefix(prefix).lower(): value for name, value in environ.items() if name.startswith(prefix)}
    try:
        RetentionSettings.model_validate(given)
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(map(str, problem["loc"])).upper()
            yield wrong("settings", f"{prefix}{name}: {problem['msg']}", "Correct it: no process starts with it.")


def orphans(instance: Instance, supervisor: int | None) -> Iterator[Finding]:
    """Processes of this instance that nobody supervises. Workloads outlive their agent and are no orphans."""
    work = f"{instance.agent_home}/work/"
    found = []
    for pid in process_ids():
        program = _program_of(pid, instance.home)
        if program and not _belongs(pid, supervisor, work):
            found.append(f"{program} ({pid})")
    if found:
        told = f"{len(found)} processes run without a supervisor: {', '.join(found[:5])}"
        yield wrong("processes", told, "`make down` ends them; then `make up`.")
    else:
        yield ok("processes", "all are supervised")


def _program_of(pid: int, home: Path) -> str:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    wanted = f"{MARKER}=".encode()
    value = next((one.removeprefix(wanted) for one in variables if one.startswith(wanted)), b"").decode()
    program, _, where = value.partition("@")
    return program if where == str(home) else ""


def _belongs(pid: int, supervisor: int | None, work: str) -> bool:
    while pid > 1:
        if pid == supervisor or any(last.startswith(work) for last in command_line(pid)[-1:]):
            return True
        parent = _parent(pid)
        if parent is None:
            return True  # it has ended meanwhile
        pid = parent
    return False


def _parent(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[1])


def scratch(home: Path) -> Iterator[Finding]:
    """Folders of processes that have ended, which the next start of the same process removes."""
    left = [folder for folder in (home / "work").glob("*/work-*") if _abandoned(folder / "in-use.lock")]
    size = sum(file.stat().st_size for folder in left for file in folder.rglob("*") if file.is_file())
    told = f"{size / GIB:.1f} GiB lie in those of processes that have ended"
    if size > SCRATCH_LARGE:
        yield warning("work folders", told, "They go when their process starts again: `make down`, `make up`.")
    else:
        yield ok("work folders", told)


def _abandoned(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True

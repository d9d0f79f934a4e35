"""Servers for the tests, shared by everything that one pytest run does, its xdist workers included.

Who uses an instance holds a shared lock on its file in the registry; the kernel drops the lock of a process that is
killed. An instance without a user is therefore known to be abandoned, and the next run stops it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from deploy.embedded.probes import port_is_taken
from deploy.embedded.servers import Servers, start_servers, stop_servers
from deploy.embedded.settings import HIGHEST_OFFSET, PORT_OFFSETS

__all__ = ["Servers", "free_port_base", "shared_servers", "start_servers", "stop_servers"]

_FIRST_BASE = 20000
_LAST_BASE = 32000  # below the ports that Linux hands out by itself


def _registry() -> Path:
    folder = Path(tempfile.gettempdir()) / f"modelyard-tests-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def free_port_base() -> int:
    """The first port of a range of which nothing is in use. The range stays reserved for this process."""
    with _locked(_registry() / "registry"):
        return _free_port_base()


def _free_port_base() -> int:
    for base in range(_FIRST_BASE, _LAST_BASE, HIGHEST_OFFSET + 1):
        reservation = _registry() / f"{base}.ports"
        if _reserve(reservation) and not any(port_is_taken(base + offset) for offset in PORT_OFFSETS.values()):
            return base
    raise RuntimeError(f"no free range of ports between {_FIRST_BASE} and {_LAST_BASE}")


_reservations: list[IO[str]] = []


def _reserve(path: Path) -> bool:
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    _reservations.append(file)
    return True


def _stop_abandoned() -> None:
    """Stop the instances of runs that were killed. The registry must be locked."""
    for path in _registry().glob("*.users"):
        with path.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            home = Path(file.read())
            if home.is_absolute() and home.exists():
                stop_servers(home, int(path.stem))
                shutil.rmtree(home, ignore_errors=True)
            path.unlink()


def _users_file(run: Path) -> Path | None:
    """The registered instance of this pytest run, when another worker has made it."""
    for path in _registry().glob("*.users"):
        if path.read_text() == str(run / "servers"):
            return path
    return None


@contextmanager
def shared_servers(run: Path, *, triton: bool = False) -> Iterator[Servers]:
    """The servers of the pytest run whose temporary folder is `run`; the last user stops them."""
    with _locked(_registry() / "registry"):
        _stop_abandoned()
        users = _users_file(run)
        if users is None:
            users = _registry() / f"{_free_port_base()}.users"
            users.write_text(str(run / "servers"))
        file = users.open("r+")
        fcntl.flock(file, fcntl.LOCK_SH)
        servers = start_servers(run / "servers", int(users.stem), triton=triton)
    try:
        yield servers
    finally:
        with _locked(_registry() / "registry"):
            file.close()
            _stop_abandoned()

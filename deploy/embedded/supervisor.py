"""supervisord for one instance: its configuration, its start and stop, and what it says about its programs."""

import hashlib
import http.client
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from xmlrpc.client import Fault, ProtocolError, ServerProxy, Transport

from deploy.embedded.launch import Launch, outlived
from deploy.embedded.processes import command_line, process_ids, reap, start_time, wait_until
from deploy.embedded.program import STAGES, Program
from deploy.embedded.settings import CHECKOUT, EmbeddedError, Instance

_SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes, and supervisord appends its process id while binding
_WORKLOAD_STOP = 30  # seconds that a workload without agent has to save and end
_CALL_TIMEOUT = 120  # seconds; stopping one program may take its whole stop_wait
_ALREADY_STARTED = 60
_NOT_RUNNING = 70

_HEAD = """\
[supervisord]
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile={run}/supervisord.pid
directory={home}
childlogdir={logs}
identifier=modelyard
umask=077
minfds=1024

[unix_http_server]
file={socket}
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

# Programs are started by `up`, stage by stage; from then on supervisord restarts them as often as it takes.
_PROGRAM = """
[program:{name}]
; {runs}
command={command}
directory={checkout}
autostart=false
autorestart=true
startsecs=1
startretries=1000000000
stopsignal=TERM
stopwaitsecs={stop_wait}
stopasgroup={whole_group}
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""

# supervisord stops group by group, the highest priority first, and the programs of a group together
_GROUP = """
[group:{stage}]
programs={names}
priority={priority}
"""


@dataclass(frozen=True)
class State:
    """One line of `status`. `state` is supervisord's (RUNNING, STARTING, BACKOFF, STOPPED, …), `uptime` in seconds."""

    name: str
    stage: str
    state: str
    pid: int
    uptime: int
    description: str


def _escape(value: object) -> str:
    return str(value).replace("%", "%%")


class _UnixTransport(Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(_CALL_TIMEOUT)
        connection.sock.connect(str(self._path))
        return connection


class Supervisor:
    """The supervisord of one instance, running or not."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._configuration = instance.run / "supervisord.conf"

    def _socket(self) -> Path:
        path = self._instance.run / "supervisor.sock"
        if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT:
            return path
        name = hashlib.sha256(os.fsencode(self._instance.home)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"modelyard-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise EmbeddedError(f"{folder} belongs to somebody else; set TMPDIR or a shorter MODELYARD_HOME")
        return folder / f"{name}.sock"

    def configure(self, programs: Sequence[Program]) -> None:
        """Write supervisord.conf and what each program is launched with."""
        for program in programs:
            launch = Launch(
                program=program.name,
                home=str(self._instance.home),
                command=list(program.command),
                environment=program.environment,
                directory=str(program.directory or CHECKOUT),
                shared_memory=program.shared_memory,
                stop_wait=program.stop_wait,
                whole_group=program.whole_group,
            )
            launch.save(self._specification(program))
        self._configuration.write_text(self._text(programs))

    def configured_for(self, programs: Sequence[Program]) -> bool:
        """Whether the configuration on disk is the one that these programs need."""
        return self._configuration.exists() and self._configuration.read_text() == self._text(programs)

    def _specification(self, program: Program) -> Path:
        folder = self._instance.run / "launch"
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder / f"{program.name}.json"

    def _text(self, programs: Sequence[Program]) -> str:
        instance = self._instance
        where = {"logs": instance.logs, "run": instance.run, "home": instance.home, "socket": self._socket()}
        escaped = {key: _escape(value) for key, value in where.items()}
        sections = [_HEAD.format(**escaped)]
        for program in programs:
            command = f'"{sys.executable}" -m deploy.embedded.launch "{self._specification(program)}"'
            sections.append(
                _PROGRAM.format(
                    name=program.name,
                    runs=_escape(shlex.join(program.command)),
                    command=_escape(command),
                    checkout=_escape(CHECKOUT),
                    stop_wait=program.stop_wait,
                    whole_group=str(program.whole_group).lower(),
                    logs=escaped["logs"],
                )
            )
        for priority, stage in enumerate(STAGES, start=1):
            names = [program.name for program in programs if program.stage == stage]
            if names:
                sections.append(_GROUP.format(stage=stage, names=",".join(names), priority=100 * priority))
        return "".join(sections)

    def pid(self) -> int | None:
        """Process id of this instance's living supervisord."""
        try:
            pid = int((self._instance.run / "supervisord.pid").read_text())
        except (OSError, ValueError):
            return None
        ours = start_time(pid) is not None and str(self._configuration) in command_line(pid)
        return pid if ours else None

    def is_up(self) -> bool:
        """Whether supervisord runs and answers; one that is just starting or dying is waited for."""
        wait_until(lambda: self.pid() is None or self._listens(), 20)
        return self.pid() is not None

    def outlived(self, programs: Sequence[Program]) -> list[str]:
        """Names of the programs that run already as they are configured now, without a supervisord."""
        # what was being started when it was killed is on record only a moment later
        wait_until(lambda: not self._being_launched(), 30)
        home = self._instance.home
        return [one.name for one in programs if outlived(self._specification(one), home, one.name) is not None]

    def reap_orphans(self, but: Collection[str] = ()) -> list[str]:
        """End programs that a killed supervisord left running, `but` these; returns their names."""
        wait_until(lambda: not self._being_launched(), 30)
        records = [path for path in (self._instance.run / "pids").glob("*.json") if path.stem not in but]
        return reap(records, self._instance.home, grace=60)

    def _being_launched(self) -> list[int]:
        """Processes between supervisord's fork and the program that they become."""
        ours = {str(self._configuration), *(str(path) for path in (self._instance.run / "launch").glob("*.json"))}
        return [pid for pid in process_ids() if start_time(pid) and not ours.isdisjoint(command_line(pid))]

    def start(self) -> None:
        """Start supervisord, which runs nothing until told to."""
        self._socket().unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._configuration)],
            capture_output=True,
            text=True,
            check=False,
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode or not wait_until(self._listens, 20):
            raise EmbeddedError(f"supervisord did not start: {(done.stdout + done.stderr).strip()[-1000:]}")

    def _listens(self) -> bool:
        try:
            self.states()
        except EmbeddedError:
            return False
        return True

    def _call(self, method: str, *arguments: object) -> object:
        proxy = ServerProxy("http://localhost", transport=_UnixTransport(self._socket()), allow_none=True)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except (OSError, ProtocolError, http.client.HTTPException) as error:
            raise EmbeddedError(f"supervisord of {self._instance.home} does not answer: {error}") from error

    def states(self) -> list[State]:
        """Raises EmbeddedError when supervisord does not answer."""
        rows = cast(list[dict[str, str | int]], self._call("getAllProcessInfo"))
        return [
            State(
                name=str(row["name"]),
                stage=str(row["group"]),
                state=str(row["statename"]),
                pid=int(row["pid"]),
                uptime=max(0, int(row["now"]) - int(row["start"])) if row["pid"] else 0,
                description=str(row["spawnerr"] or row["description"]),
            )
            for row in rows
        ]

    def start_program(self, stage: str, name: str) -> None:
        """Start one program; nothing happens when it runs."""
        try:
            self._call("startProcess", f"{stage}:{name}", False)
        except Fault as fault:
            if fault.faultCode != _ALREADY_STARTED:
                raise EmbeddedError(f"supervisord cannot start {name}: {fault.faultString}") from fault

    def stop_program(self, stage: str, name: str) -> None:
        """Stop one program and wait for it; nothing happens when it is down."""
        try:
            self._call("stopProcess", f"{stage}:{name}", True)
        except Fault as fault:
            if fault.faultCode != _NOT_RUNNING:
                raise EmbeddedError(f"supervisord cannot stop {name}: {fault.faultString}") from fault

    def stop(self, timeout: float = 180) -> bool:
        """End supervisord and, stage by stage in reverse, all that it runs; False when nothing ran.

        A supervisord that is still there after `timeout` seconds is killed and its programs are reaped, as are those
        that outlived an earlier one.
        """
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            if not wait_until(lambda: self.pid() is None, timeout):
                os.kill(pid, signal.SIGKILL)
        orphans = self.reap_orphans()
        if os.environ.get("MODELYARD_AGENT_KEEP") != "1":
            self._interrupt_workloads()
        return pid is not None or bool(orphans)

    def _interrupt_workloads(self) -> None:
        """Ask workloads whose agent is gone to save and end; the next agent goes on with them."""
        work = f"{self._instance.agent_home}/work/"

        def shims() -> list[int]:
            return [pid for pid in process_ids() if any(last.startswith(work) for last in command_line(pid)[-1:])]

        for pid in shims():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not shims(), _WORKLOAD_STOP)

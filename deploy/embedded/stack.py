"""Starting, stopping and describing an instance as a whole."""

import fcntl
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from deploy.embedded import mongodb, objectstore, rabbitmq, triton
from deploy.embedded.health import answers
from deploy.embedded.plan import environment, platform_programs, server_programs
from deploy.embedded.probes import port_is_taken
from deploy.embedded.processes import wait_until
from deploy.embedded.program import STAGES, Program
from deploy.embedded.secrets import Secrets, load_secrets
from deploy.embedded.settings import EmbeddedError, Instance
from deploy.embedded.supervisor import State, Supervisor

Say = Callable[[str], None]
PORT_WAIT = 5.0  # seconds; a process that was just killed may hold its port for a moment
_TIMEOUTS = {"ground": 30.0, "servers": 240.0, "platform": 240.0}


@dataclass(frozen=True)
class Row:
    """One line of `status`."""

    state: State
    address: str


def _is_free(port: int) -> bool:
    return not port_is_taken(port)


class Stack:
    """One instance: what it runs and how it is brought up and down."""

    def __init__(self, instance: Instance) -> None:
        instance.make_folders()
        self.instance = instance
        self.secrets: Secrets = load_secrets(instance.home)
        self._supervisor = Supervisor(instance)
        self._programs: Sequence[Program] = [
            *server_programs(instance, self.secrets, with_triton=True),
            *platform_programs(instance, self.secrets),
        ]

    def environment(self) -> dict[str, str]:
        return environment(self.instance, self.secrets)

    def up(self, say: Say, *, without: Sequence[str] = (), last_stage: str = "platform") -> None:
        """Start whatever is not running, stage by stage, and wait until it answers.

        Args:
            without: names of programs to leave as they are.
            last_stage: how far to go; see STAGES.

        Raises:
            EmbeddedError: a port is taken, something is not installed, or a program does not come up.
        """
        stages = STAGES[: STAGES.index(last_stage) + 1]
        wanted = [program for program in self._programs if program.stage in stages and program.name not in without]
        with self._locked():
            outlived = self._supervise(say)
            stopped = [one for one in wanted if one.name not in outlived and not self._runs(one.name)]
            self._check_ports(stopped)
            self._prepare(stopped)
            started: dict[str, float] = {}
            for stage in stages:
                if stage == "platform":
                    self._migrate(say)
                for program in wanted:
                    if program.stage == stage:
                        self._supervisor.start_program(stage, program.name)
                        started[program.name] = time.monotonic()
                self._wait([one for one in wanted if one.stage == stage and one.awaited], started, say)
            self._wait([one for one in wanted if not one.awaited], started, say)

    def down(self) -> bool:
        """Stop everything; all state stays. False when nothing ran."""
        with self._locked():
            return self._supervisor.stop()

    def status(self) -> list[Row]:
        """What supervisord says, in the order of starting; empty when it does not run."""
        if not self._supervisor.is_up():
            return []
        states = {state.name: state for state in self._supervisor.states()}
        addresses = {program.name: program.address for program in self._programs}
        return [Row(states[name], address) for name, address in addresses.items() if name in states]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.instance.run / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EmbeddedError(f"another start or stop of {self.instance.home} is going on") from None
            yield

    def _supervise(self, say: Say) -> Collection[str]:
        """Have a supervisord that knows the present plan; keep the one that runs when it does.

        Returns the programs that outlived a supervisord that was killed, and only need somebody to look after them.
        """
        if self._supervisor.is_up():
            if self._supervisor.configured_for(self._programs):
                return ()
            say("the plan has changed since the last start: stopping what runs")
            self._supervisor.stop()
        self._supervisor.configure(self._programs)
        outlived = self._supervisor.outlived(self._programs)
        for name in outlived:
            say(f"{name} has outlived a supervisord that was killed: it goes on")
        for name in self._supervisor.reap_orphans(but=outlived):
            say(f"ended {name}, left over from a supervisord that was killed")
        self._supervisor.start()
        self.instance.remember()
        return outlived

    def _check_ports(self, stopped: Sequence[Program]) -> None:
        for program in stopped:
            port = program.address.rpartition(":")[2]
            if port and not wait_until(partial(_is_free, int(port)), PORT_WAIT):
                raise EmbeddedError(
                    f"port {port}, needed by {program.name}, is in use by another process: "
                    f"set MODELYARD_PORT_BASE to a free range (50 ports; now {self.instance.port_base})"
                )

    def _prepare(self, stopped: Sequence[Program]) -> None:
        names = {program.name for program in stopped}
        mongodb.prepare(self.instance)
        objectstore.prepare(self.instance)
        if "rabbitmq" in names:
            rabbitmq.prepare(self.instance, self.secrets)
        if "triton" in names:
            triton.prepare(self.instance)

    def _migrate(self, say: Say) -> None:
        """Bring the databases to this release before a process of the platform starts."""
        from deploy.operation.errors import OperationError
        from deploy.operation.migrating import migrate_all, planned
        from deploy.operation.servers import connected, require_stopped
        from services.kernel.errors import DomainError
        from services.kernel.storage.migrations import require_restored

        try:
            with connected(mongodb.mongo_uri(self.instance, self.secrets)) as client:
                require_restored(client)
                if planned(client):
                    require_stopped(client, "migrating")
                    migrate_all(client, say)
        except (OperationError, DomainError) as error:
            raise EmbeddedError(str(error)) from error

    def _wait(self, programs: Sequence[Program], started: Mapping[str, float], say: Say) -> None:
        """Until all of them answer; `started` says when each was told to start."""
        waiting = {program.name: program for program in programs}
        while waiting:
            for name, program in list(waiting.items()):
                if self._runs(name) and answers(program, self.instance, self.secrets):
                    del waiting[name]
                    say(f"{name:<16} {program.address:<22} ready after {time.monotonic() - started[name]:.1f} s")
            for name, program in waiting.items():
                if time.monotonic() - started[name] > _TIMEOUTS[program.stage] * self.instance.copies:
                    raise EmbeddedError(self._diagnosis(waiting))
            time.sleep(0.1)

    def _runs(self, name: str) -> bool:
        return any(state.name == name and state.state == "RUNNING" for state in self._supervisor.states())

    def _diagnosis(self, names: Iterable[str]) -> str:
        parts = ["these programs did not come up:"]
        for name in names:
            log = self.instance.logs / f"{name}.log"
            tail = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
            parts += [f"  {name}: see {log}", *(f"    {line[:300]}" for line in tail)]
        return "\n".join(parts)

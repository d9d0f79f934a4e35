"""The programs of an embedded instance: what supervisord says, and what their logs end with."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from deploy.embedded.probes import port_is_taken
from deploy.embedded.settings import PORT_OFFSETS, EmbeddedError, Instance
from deploy.embedded.supervisor import State, Supervisor
from services.kernel.diagnosis import Finding, ok, wrong

RECENT = timedelta(minutes=10)
OFTEN = 3
_TAIL_BYTES = 256 * 1024
_EXIT = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ \w+ exited: (\S+) ", re.MULTILINE)


def programs(instance: Instance, supervisor: Supervisor) -> Iterator[Finding]:
    """One finding a program; ports of those that do not run."""
    if supervisor.pid() is None:
        yield wrong("supervisor", f"nothing runs for {instance.home}", "Start it: `make up`.")
        yield from ports(instance, list(PORT_OFFSETS))
        return
    try:
        states = supervisor.states()
    except EmbeddedError as error:
        yield wrong("supervisor", str(error), "`make down`, then `make up`.")
        return
    exits = recent_exits(_tail(instance.logs / "supervisord.log", _TAIL_BYTES), datetime.now())
    yield from of_states(states, exits, instance)
    yield from ports(instance, [state.name for state in states if state.state != "RUNNING"])


def of_states(states: Sequence[State], exits: Counter[str], instance: Instance) -> Iterator[Finding]:
    for state in states:
        check = f"program {state.name}"
        if state.state != "RUNNING":
            told = f"it is {state.state.lower()}: {state.description}{last_lines(instance, state.name)}"
            yield wrong(check, told, f"`make up` starts it; {instance.logs}/{state.name}.log says why it ended.")
        elif exits[state.name] >= OFTEN:
            told = f"it was restarted {exits[state.name]} times in 10 minutes{last_lines(instance, state.name)}"
            yield wrong(check, told, f"Look into {instance.logs}/{state.name}.log.")
        else:
            yield ok(check, f"runs as {state.pid} for {state.uptime} s")


def recent_exits(log: str, now: datetime) -> Counter[str]:
    """How often each program ended within RECENT, by the log of supervisord, which is in local time."""
    found = ((datetime.fromisoformat(time), name) for time, name in _EXIT.findall(log))
    return Counter(name for time, name in found if now - time < RECENT)


def last_lines(instance: Instance, name: str, count: int = 3) -> str:
    lines = _tail(instance.logs / f"{name}.log", 8 * 1024).splitlines()[-count:]
    return "".join(f"\n{line[:200]}" for line in lines)


def _tail(path: Path, size: int) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - size, 0))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def ports(instance: Instance, names: Sequence[str]) -> Iterator[Finding]:
    """Ports that a program which does not run would find taken."""
    for name in names:
        if name in PORT_OFFSETS and port_is_taken(instance.port(name)):
            told = f"port {instance.port(name)}, needed by {name}, is in use by another process"
            yield wrong("ports", told, "End that process (`ss -ltnp`), or set MODELYARD_PORT_BASE to a free range.")

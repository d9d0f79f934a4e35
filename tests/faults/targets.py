"""What is broken, and how: each victim is found by the instance's own records, never by a program's name."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.launch import record_path
from deploy.embedded.plan import PROCESSES
from deploy.embedded.processes import command_line, process_ids, read_record, start_time, survivors, wait_until
from services.scheduler.engines.process.shim import files, tree
from tests.faults.driver import Driver
from tests.faults.phases import Phases
from tests.faults.quota import Quota
from tests.support.instance import Platform

SERVERS = ("rabbitmq", "mongod", "objectstore", "triton")
PAUSE_S = 30.0
FULL_S = 8.0


@dataclass
class Scene:
    """What a target needs to find its victims. `quota` is the state folder's own file system, if it has one."""

    platform: Platform
    driver: Driver
    phases: Phases
    random: random.Random
    quota: Quota | None = None
    pause_s: float = PAUSE_S

    @property
    def home(self) -> Path:
        return self.platform.home


Strike = Callable[[Scene], str]
"""Breaks something and returns what it broke, in words. Pauses and a full disk end before it returns."""


def pids_of(home: Path, program: str) -> list[int]:
    """Living processes of a program by its record, the recorded one first."""
    record = read_record(record_path(home, program))
    if record is None:
        return []
    return sorted(survivors(record, home), key=lambda pid: pid != record.pid)


def kill(pids: Iterable[int]) -> list[int]:
    """kill -9, and wait until they are gone; those that were there."""
    hit = [pid for pid in pids if start_time(pid) is not None]
    for pid in hit:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    wait_until(lambda: all(start_time(pid) is None for pid in hit), 10)
    return hit


def program(name: str) -> Strike:
    """kill -9 of everything that the record of a program names."""

    def strike(scene: Scene) -> str:
        assert wait_until(lambda: bool(pids_of(scene.home, name)), 60), f"{name} does not run"
        victims = pids_of(scene.home, name)
        return f"killed {name} {kill(victims[:1] if name == 'triton' else victims)}"

    return strike


def supervisord_pid(home: Path) -> int:
    return int((home / "run" / "supervisord.pid").read_text())


def supervisor(scene: Scene) -> str:
    """Only supervisord; its programs run on until `up` takes them over or ends them."""
    pid = supervisord_pid(scene.home)
    assert str(scene.home) in " ".join(command_line(pid))
    kill([pid])
    scene.platform.up()
    return f"killed supervisord {pid}, then up"


def everything(scene: Scene) -> str:
    """As when the machine is switched off: supervisord, all programs, all workloads."""
    victims = [supervisord_pid(scene.home)]
    for path in (scene.home / "run" / "pids").glob("*.json"):
        victims += pids_of(scene.home, path.stem)
    victims += [*stubs(scene.home), *_shims(scene)]
    count = len(kill(victims))
    scene.driver.retire_steady()
    scene.platform.up()
    return f"killed all {count} processes, then up"


def _workload(scene: Scene) -> tuple[str, files.State]:
    """The steady task and the processes of its run."""
    place = scene.driver.places.of(scene.driver.workload_of(scene.driver.steady))
    state = files.read_state(place) if place is not None else None
    assert state is not None, "the steady task has no process"
    return scene.driver.steady, state


def _shims(scene: Scene) -> list[int]:
    folders = (scene.home / "agent" / "work").glob("*/[0-9]*")
    return [state.shim_pid for folder in folders if (state := files.read_state(folder))]


def shim(scene: Scene) -> str:
    """The shim of a running workload; its process goes with it, and the agent starts it again."""
    task_id, state = _workload(scene)
    kill([state.shim_pid])
    scene.driver.retire_steady()
    return f"killed shim {state.shim_pid} of {task_id}"


def workload(scene: Scene) -> str:
    """The process of a running workload itself: the task fails, and says so."""
    task_id, state = _workload(scene)
    family = tree.descendants(state.shim_pid)
    scene.driver.history.tasks[task_id].spared = False
    kill(family[-1:])
    scene.driver.steady = ""
    return f"killed process {family[-1:]} of {task_id}"


def stubs(home: Path) -> dict[int, str]:
    """Processes of Triton's Python backend, and the models of this instance that they serve."""
    found: dict[int, str] = {}
    for pid in process_ids():
        program, *arguments = command_line(pid) or [""]
        models = [word.split("/")[-3] for word in arguments if word.startswith(f"{home}/triton/models/")]
        if program.endswith("triton_python_backend_stub") and models:
            found[pid] = models[0]
    return found


def stub(scene: Scene) -> str:
    """One of a service's stubs; Triton goes on saying READY."""
    wanted = scene.random.choice(sorted(scene.phases.serving))
    found = {pid: model for pid, model in stubs(scene.home).items() if model.startswith(wanted)}
    victim = scene.random.choice(sorted(found))
    kill([victim])
    return f"killed stub {victim} of {found[victim]}"


def paused(*names: str) -> Strike:
    """SIGSTOP for a while, then SIGCONT."""

    def strike(scene: Scene) -> str:
        victims = [pid for name in names for pid in pids_of(scene.home, name)]
        try:
            for pid in victims:
                os.kill(pid, signal.SIGSTOP)
            time.sleep(scene.pause_s)
        finally:
            for pid in victims:
                os.kill(pid, signal.SIGCONT)
        return f"paused {' and '.join(names)} for {scene.pause_s:g} s"

    return strike


def disk(scene: Scene) -> str:
    """No space is left below the state folder for a while; what is given free meanwhile is taken as well.

    A training that writes then may fail, and has to say so.
    """
    assert scene.quota is not None
    for task_id in (*scene.phases.running, *scene.phases.reporting):
        scene.driver.history.tasks[task_id].spared = False
    deadline = time.monotonic() + FULL_S
    try:
        while time.monotonic() < deadline:
            scene.quota.fill()
            time.sleep(0.2)
    finally:
        scene.quota.free()
    return f"filled the disk for {FULL_S:g} s"


TAKEN_UP = frozenset({"supervisord", "everything"})
"""Targets after which somebody has to say `up`, which is part of the recovery."""

TARGETS: dict[str, Strike] = {
    **{process.name: program(process.name) for process in PROCESSES},
    **{name: program(name) for name in SERVERS},
    "shim": shim,
    "workload": workload,
    "triton-stub": stub,
    "supervisord": supervisor,
    "pause-rabbitmq": paused("rabbitmq"),
    "pause-mongod": paused("mongod"),
    "disk-full": disk,
    "everything": everything,
}

"""Starts, finds again, stops and removes the processes of workloads, each in a folder of its own."""

import contextlib
import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from services.scheduler.domain import WorkloadSpec
from services.scheduler.engines.process import environment, sandbox
from services.scheduler.engines.process.launcher import Launcher
from services.scheduler.engines.process.shim import files, tree
from services.scheduler.engines.process.shim.files import Exit, Launch, Stop

_LOG_LIMIT = 20 << 20
_OUTPUT_LIMIT = 10 << 30
_PROCESS_LIMIT = 4096


class ProcessStatus(StrEnum):
    """`VANISHED`: it was started, and neither it nor a record of its end is there."""

    NEW = "new"
    RUNNING = "running"
    ENDED = "ended"
    VANISHED = "vanished"


@dataclass(frozen=True)
class Place:
    """Where a workload lives on this node. `folder` is the shim's, `work` inside it what the process sees."""

    folder: Path
    checkpoint: Path

    @property
    def work(self) -> Path:
        return self.folder / "run"

    @property
    def output(self) -> Path:
        return self.work / "output"

    @property
    def metrics(self) -> Path:
        return self.work / "metrics.jsonl"

    @property
    def log(self) -> Path:
        return self.folder / files.LOG

    @property
    def tmp(self) -> Path:
        return self.folder / "tmp"

    @property
    def marker(self) -> str:
        """The variable that marks every process of this place."""
        return f"MODELYARD_WORK_FOLDER={self.folder}"


class ProcessEngine:
    """The engine `process`. All methods may be repeated, also by another process after this one was killed.

    `sandboxed` off leaves the sandbox out even where it is installed.
    """

    needs_inputs = True

    def __init__(
        self, runtime_python: str = "", control_groups: list[str] | None = None, *, sandboxed: bool = True
    ) -> None:
        self._python = runtime_python or sys.executable
        self._control_groups = control_groups or []
        self._sandboxed = sandboxed
        self._launcher = Launcher()

    def start(self, place: Place, spec: WorkloadSpec) -> None:
        """Start the process unless it runs or has ended. Raises Unavailable when the machine cannot."""
        status = self.status(place)
        if status in (ProcessStatus.RUNNING, ProcessStatus.ENDED):
            return
        if status is ProcessStatus.VANISHED:
            tree.kill_marked(place.marker)
        for folder in (place.output, place.tmp, place.checkpoint):
            folder.mkdir(parents=True, exist_ok=True)
        files.write(place.folder, files.LAUNCH, self._launch(place, spec))
        self._launcher.launch(place.folder)

    def status(self, place: Place) -> ProcessStatus:
        """What is there now, from the folder alone."""
        if not (place.folder / files.LAUNCH).exists():
            return ProcessStatus.NEW
        lock = files.take_lock(place.folder)
        if lock is None:
            return ProcessStatus.RUNNING
        os.close(lock)
        return ProcessStatus.ENDED if (place.folder / files.EXIT).exists() else ProcessStatus.VANISHED

    def started(self, place: Place) -> bool:
        """Whether the process itself (not only its shim) has been started."""
        return files.read_state(place.folder) is not None

    def exit(self, place: Place) -> Exit | None:
        return files.read_exit(place.folder)

    def stop(self, place: Place, cause: str, grace_s: float) -> None:
        """Ask for the end: SIGTERM, and SIGKILL after `grace_s` seconds. `cause` becomes the reason of the exit."""
        with contextlib.suppress(FileNotFoundError):  # the folder is gone, and so is what ran in it
            if files.read_stop(place.folder) != Stop(cause, grace_s):
                files.write(place.folder, files.STOP, Stop(cause, grace_s))

    def prepare_restart(self, place: Place) -> None:
        """Forget the end of an interrupted run, so that it can start again in the same folder."""
        for name in (files.STOP, files.STATE, files.LAUNCH, files.EXIT):
            (place.folder / name).unlink(missing_ok=True)

    def remove(self, place: Place) -> None:
        """Kill what runs and remove the folder. The checkpoint stays."""
        deadline = time.monotonic() + 10
        while self.status(place) is ProcessStatus.RUNNING and time.monotonic() < deadline:
            self.stop(place, "cancelled", 0)
            time.sleep(0.05)
        if self.status(place) is ProcessStatus.RUNNING:
            state = files.read_state(place.folder)
            if state is not None:
                tree.send([state.shim_pid], signal.SIGKILL)
        if self.status(place) is not ProcessStatus.ENDED:  # where its end is recorded, the shim has left nothing
            tree.kill_marked(place.marker)
        _make_removable(place.folder)
        shutil.rmtree(place.folder, ignore_errors=True)

    def _launch(self, place: Place, spec: WorkloadSpec) -> Launch:
        sandboxed = self._sandboxed and sandbox.available()
        tmp = "/tmp" if sandboxed else str(place.tmp)  # noqa: S108  # the sandbox's own
        env = environment.contract(spec, place.work, place.checkpoint, self._python, tmp)
        name, value = place.marker.split("=", 1)
        program, command = self._resolve(spec, place, env["PATH"])
        inner = env | {name: value}
        cwd = place.work / "code" if any(item.path == "code" for item in spec.inputs) else place.work
        inputs = [place.work / part for part in dict.fromkeys(item.path.split("/", 1)[0] for item in spec.inputs)]
        if sandboxed:
            view = sandbox.View(
                read_only=[*sandbox.interpreter_folders(self._python), *inputs],
                writable=[place.work, place.checkpoint],
                tmp=place.tmp,
                cwd=cwd,
                network=spec.network,
                gpu=spec.resources.gpu_millis > 0,
                memory_bytes=spec.resources.memory_bytes,
            )
            command = sandbox.command_line(command, inner, view)
            inner = {"PATH": _own_path(), name: value}
        return Launch(
            argv=command,
            program=program,
            env=inner,
            cwd=str(cwd),
            sandboxed=sandboxed,
            cpu_millis=spec.resources.cpu_millis,
            memory_limit_bytes=spec.resources.memory_bytes,
            time_limit_s=spec.time_limit_s,
            grace_s=spec.grace_s,
            log_limit_bytes=spec.log_limit_bytes or _LOG_LIMIT,
            output_limit_bytes=spec.output_limit_bytes or _OUTPUT_LIMIT,
            process_limit=_PROCESS_LIMIT,
            watched=[str(path) for path in (place.work, place.tmp, place.checkpoint)],
            unwatched=[str(path) for path in inputs],
            control_groups=self._control_groups,
        )

    def _resolve(self, spec: WorkloadSpec, place: Place, path: str) -> tuple[str, list[str]]:
        """The executable and the command line. A name that is not found stays, for the shim to report."""
        first, *arguments = spec.command or ("",)
        if first in ("python", "python3"):
            program = self._python
        elif "/" in first:
            program = str(place.work / first)
        else:
            program = shutil.which(first, path=path) or first
        return program, [program, *arguments]


def _make_removable(folder: Path) -> None:
    """Let the owner into all folders from `folder` down; a workload may have left some that nobody may enter."""
    waiting = [str(folder)]
    while waiting:
        path = waiting.pop()
        with contextlib.suppress(OSError):
            Path(path).chmod(0o700)
            with os.scandir(path) as entries:
                waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def _own_path() -> str:
    return os.environ.get("PATH", os.defpath)

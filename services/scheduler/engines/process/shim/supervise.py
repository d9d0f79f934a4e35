"""Runs one process to its end: copies its log, holds its limits, stops it on request and records how it ended."""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import time
from pathlib import Path

from services.scheduler.engines.process.shim import files, tree
from services.scheduler.engines.process.shim.files import Exit, Launch, State, Stop
from services.scheduler.engines.process.shim.groups import ControlGroups
from services.scheduler.engines.process.shim.held import Held, held, mapped_bytes
from services.scheduler.engines.process.shim.logcopy import LogCopy
from services.scheduler.engines.process.shim.verdict import status_of, verdict

ALREADY_RUNNING = 3

_POLL_MS = 50
_MEMORY_EVERY_S = 0.1
_SIZES_EVERY_S = 0.5
_DRAIN_S = 2.0
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_NICENESS = 5


def main(folder: Path) -> None:
    """Become the shim of `folder`, detached from the caller; exits 3 when the folder has a living shim already."""
    lock = files.take_lock(folder)
    if lock is None:
        os._exit(ALREADY_RUNNING)
    if os.fork():
        os._exit(0)
    os.setsid()
    if files.read_exit(folder) is None:
        files.write(folder, files.EXIT, Shim(folder).run())
    os._exit(0)


class Shim:
    """The life of one process. `cause` is why the shim ended it, empty while it did not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._launch: Launch = files.read_launch(folder)
        self._cause = ""
        self._kill_at: float | None = None
        self._term_due = False
        self._wait_status: int | None = None
        self._peak = 0
        self._next_memory = self._next_sizes = 0.0
        self._pid = 0
        self._request: Stop | None = None
        self._held = Held()

    def run(self) -> Exit:
        """Start the process and stay until it and all its descendants are gone."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
        launch = self._launch
        self._groups = ControlGroups(
            launch.control_groups,
            f"workload-{os.getpid()}",
            memory_bytes=launch.memory_limit_bytes,
            cpu_millis=launch.cpu_millis,
        )
        source, target = os.pipe()
        self._log = LogCopy(source, self._folder / files.LOG, launch.log_limit_bytes)
        try:
            self._start(target, libc)
        except OSError as error:
            self._groups.remove()
            return self._not_started(error)
        finally:
            os.close(target)
        self._started = time.monotonic()
        self._watch(source)
        self._end_family()
        self._drain(source)
        return self._exit()

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._stop("interrupted", self._launch.grace_s)

    def _start(self, output: int, libc: ctypes.CDLL) -> None:
        launch, shim = self._launch, os.getpid()
        if not os.access(launch.program, os.X_OK) or Path(launch.program).is_dir():
            raise FileNotFoundError(f"the program {launch.program!r} is not there or cannot be executed")

        def prepare() -> None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != shim:
                os._exit(1)
            self._groups.enter()
            os.nice(_NICENESS)
            with contextlib.suppress(OSError):
                Path("/proc/self/oom_score_adj").write_text("500")

        process = subprocess.Popen(
            launch.argv,
            env=launch.env,
            cwd=launch.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509  # the shim has one thread
        )
        self._pid = process.pid
        process.returncode = 0  # this loop reaps the children, not subprocess
        state = State(shim, self._pid, tree.start_time(self._pid), time.time())
        files.write(self._folder, files.STATE, state)

    def _not_started(self, error: OSError) -> Exit:
        message = f"It could not be started: {error.strerror or error}."
        return Exit("not_started", 0, 0, message, self._log.written, 0, time.time())

    def _watch(self, source: int) -> None:
        poll = select.poll()
        poll.register(source, select.POLLIN)
        while self._wait_status is None:
            if self._log.at_end:
                time.sleep(_POLL_MS / 1000)  # the process has closed its output but lives on
            else:
                poll.poll(_POLL_MS)
            self._log.copy()
            self._reap()
            self._hold_limits(time.monotonic())

    def _reap(self) -> None:
        """Collect ended children; as subreaper the shim inherits the orphans of its descendants."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._pid:
                self._wait_status = status

    def _hold_limits(self, now: float) -> None:
        launch = self._launch
        if now >= self._next_memory:
            self._next_memory = now + _MEMORY_EVERY_S
            self._hold_memory()
            request = files.read_stop(self._folder)
            if request is not None and request != self._request:
                self._request = request
                self._stop(request.cause, request.grace_s)
        if launch.output_limit_bytes and now >= self._next_sizes:
            written = folder_bytes(launch.watched, set(launch.unwatched), launch.output_limit_bytes)
            if written + self._held.disk > launch.output_limit_bytes:
                self._stop("output_too_large", 0)
            # Large folders are measured less often, so that measuring takes at most a tenth of the time.
            self._next_sizes = now + max(_SIZES_EVERY_S, 10 * (time.monotonic() - now))
        if launch.time_limit_s and now - self._started > launch.time_limit_s:
            self._stop("time_limit", launch.grace_s)
        if self._term_due:
            self._terminate()
        if self._kill_at is not None and now >= self._kill_at:
            tree.send(tree.descendants(os.getpid()), signal.SIGKILL)

    def _hold_memory(self) -> None:
        limit = self._launch.memory_limit_bytes
        family = tree.descendants(os.getpid())
        if len(family) > self._launch.process_limit:
            self._stop("too_many_processes", 0)
            return
        self._held = held(family, sandboxed=self._launch.sandboxed)
        used = tree.resident_bytes(family) + self._held.memory
        if limit and used > limit:
            used = tree.proportional_bytes(family) + self._held.memory - mapped_bytes(family, self._held)
        self._peak = max(self._peak, used)
        if limit and used > limit:
            self._stop("out_of_memory", 0)

    def _stop(self, cause: str, grace_s: float) -> None:
        """Ask the process to end; what is left after `grace_s` is killed. The first cause counts."""
        kill_at = time.monotonic() + grace_s
        if self._cause:
            self._kill_at = min(self._kill_at or kill_at, kill_at)
            return
        self._cause, self._kill_at = cause, kill_at
        self._term_due = grace_s > 0

    def _terminate(self) -> None:
        """Send SIGTERM once, to the process of the command itself; in the sandbox it may not be there yet.

        It stands below the sandbox's two own processes, which would take the signal as their end or ignore it.
        """
        pid = self._pid
        for _ in range(2 if self._launch.sandboxed else 0):
            below = tree.children(pid)
            if not below:
                return
            pid = below[0]
        self._term_due = False
        tree.send([pid], signal.SIGTERM)

    def _end_family(self) -> None:
        deadline = time.monotonic() + 10
        while (family := tree.all_descendants(os.getpid())) and time.monotonic() < deadline:
            tree.send(family, signal.SIGSTOP)
            tree.send(family, signal.SIGKILL)
            self._reap()
            time.sleep(0.005)
        self._reap()

    def _drain(self, source: int) -> None:
        deadline = time.monotonic() + _DRAIN_S
        while not self._log.at_end and time.monotonic() < deadline:
            select.select([source], [], [], 0.05)
            self._log.copy()

    def _exit(self) -> Exit:
        launch = self._launch
        status = status_of(self._wait_status or 0, sandboxed=launch.sandboxed)
        cause = self._cause or ("out_of_memory" if self._groups.killed_for_memory() else "")
        self._groups.remove()
        self._log.finish()
        reason, message = verdict(cause, status, launch, self._folder / files.LOG)
        return Exit(reason, status.code, status.signal, message, self._log.written, self._peak, time.time())


def folder_bytes(folders: list[str], without: set[str], enough: int) -> int:
    """Bytes of the regular files below `folders`, passing over `without`; ends once more than `enough` are found."""
    total, waiting = 0, list(folders)
    while waiting and total <= enough:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting += [] if entry.path in without else [entry.path]
                elif entry.is_file(follow_symlinks=False):
                    total += entry.stat(follow_symlinks=False).st_size
            except OSError:
                continue
    return total

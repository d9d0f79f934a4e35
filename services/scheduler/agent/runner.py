"""One workload on this node, from its assignment to the accepted report of its end."""

import errno
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from services.kernel.context import untraced
from services.kernel.errors import (
    AlreadyExists,
    Conflict,
    DomainError,
    Internal,
    InvalidArgument,
    NotFound,
    Unavailable,
)
from services.kernel.logging import about, get_logger
from services.kernel.storage.objects import ObjectStore
from services.scheduler.agent import files
from services.scheduler.agent.home import AgentHome
from services.scheduler.agent.shipping import Shipper
from services.scheduler.agent.telemetry import begin_algorithm, end_algorithm, step
from services.scheduler.domain import Assignment, ExitReason, Report, WorkloadExit
from services.scheduler.engines.engine import Engine
from services.scheduler.engines.process.engine import ProcessStatus
from services.scheduler.engines.process.shim.files import Exit
from services.scheduler.ports import SchedulerPort

MAX_STARTS = 3
"""How often a process is started that vanished without a trace."""

INTERRUPT_GRACE_S = 7.0

FULL_PATIENCE_S = 600.0
"""For how long a workload waits for space on its node."""

_FULL = (errno.ENOSPC, errno.EDQUOT)

_TICK_S = 0.1
_FIRST_TICK_S = 0.02
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
_STARTS = "starts"
_WITHOUT_OUTPUT = (ExitReason.NOT_STARTED, ExitReason.OUTPUT_TOO_LARGE)

T = TypeVar("T")

log = get_logger(__name__)


class Revoked(Exception):
    """The lease has passed on: what runs here must go."""


class Stopping(Exception):
    """The agent stops; the rest is for its next start."""


@dataclass(frozen=True)
class Surroundings:
    """What all runners of an agent share. `keep` leaves processes running when the agent stops."""

    home: AgentHome
    engine: Engine
    scheduler: SchedulerPort
    store: ObjectStore
    stopping: threading.Event
    keep: bool = False


class Runner(threading.Thread):
    """Level-triggered: what it does next follows from the folder, so it may begin again at any point."""

    def __init__(self, assignment: Assignment, around: Surroundings, on_end: Callable[[], None]) -> None:
        super().__init__(name=f"run-{assignment.workload_id}", daemon=True)
        self._assignment = assignment
        self._around = around
        self._on_end = on_end
        self._engine = around.engine
        self._place = around.home.place(assignment.workload_id, assignment.fence)
        self._identity = Report(around.home.node_id, assignment.workload_id, assignment.fence)
        self._shipper = Shipper(around.scheduler, self._place, self._identity)
        self._stop_asked = assignment.stop
        self._revoked = False
        self._wake = threading.Event()
        self._told_running = False
        self._full_since: float | None = None
        self._log = log.bind(fence=assignment.fence)

    def ask_stop(self) -> None:
        """The workload should end."""
        self._stop_asked = True
        self._wake.set()

    def revoke(self) -> None:
        """The lease is not this node's any more."""
        self._revoked = True
        self._wake.set()

    def interrupt(self) -> None:
        """The agent stops: let the process save its checkpoint and end, unless it is to be kept.

        Also called from outside, for this thread may be waiting for a scheduler that stops as well.
        """
        self._wake.set()
        if self._around.keep or self._stop_asked or self._engine.status(self._place) is not ProcessStatus.RUNNING:
            return
        grace_s = min(self._assignment.spec.grace_s or INTERRUPT_GRACE_S, INTERRUPT_GRACE_S)
        self._engine.stop(self._place, "interrupted", grace_s)

    def run(self) -> None:
        failures, assignment = 0, self._assignment
        ids = {"workload_id": assignment.workload_id, **assignment.spec.related_ids}
        with untraced(assignment.traceparent), about(**ids):
            while True:
                try:
                    self._live()
                    break
                except Stopping:
                    break
                except Revoked:
                    self._remove(checkpoint=False)
                    break
                except Unavailable as error:
                    self._log.info("workload_waits", error=error.message)
                except Exception:  # noqa: BLE001  # the runner goes on whatever one pass met
                    self._log.exception("workload_pass_failed")
                failures += 1
                self._pause(_BACKOFF_S[min(failures, len(_BACKOFF_S)) - 1])
        self._on_end()

    def _live(self) -> None:
        how = self._until_end()
        self._tell(self._shipper.ship_all)
        self._trace_end()
        with step("report", self._assignment):
            self._tell(lambda: self._around.scheduler.report(replace(self._shipper.state, exit=how)))
        self._log.info("workload_ended", reason=str(how.reason), malformed_metrics=self._shipper.malformed)
        self._remove(checkpoint=True)

    def _until_end(self) -> WorkloadExit:
        """Drive the process to its end; how it ended, with its stored output."""
        while True:
            self._check()
            status, end = self._engine.status(self._place), self._engine.exit(self._place)
            if end is not None and status is ProcessStatus.ENDED:
                if end.reason != "interrupted":
                    return self._with_output(end)
                if self._around.stopping.is_set():
                    raise Stopping
            if status is ProcessStatus.RUNNING:
                self._accompany()
                continue
            early = self._start(status)
            if early is not None:
                return early

    def _start(self, status: ProcessStatus) -> WorkloadExit | None:
        """Start the process, or say why it will not be."""
        if self._around.stopping.is_set():
            raise Stopping
        if self._stop_asked:
            return WorkloadExit(ExitReason.CANCELLED, "It was cancelled.")
        if status is ProcessStatus.ENDED:
            self._trace_end()
            self._engine.prepare_restart(self._place)
            self._count_starts(0)
        starts = self._starts()
        if starts >= MAX_STARTS:
            told = f"Its process vanished {starts} times without a trace, as when the machine is switched off."
            return WorkloadExit(ExitReason.LOST, told)
        try:
            if self._engine.needs_inputs:
                with step("stage", self._assignment):
                    files.stage(self._around.store, self._place, self._assignment.spec)
        except (NotFound, InvalidArgument, AlreadyExists, Internal) as error:
            return WorkloadExit(ExitReason.NOT_STARTED, f"Its inputs could not be prepared: {error.message}")
        except OSError as error:
            if error.errno in _FULL and self._may_wait_for_space():
                raise Unavailable("Its node has no space left for its inputs.", reason="NODE_FULL") from error
            return WorkloadExit(ExitReason.NOT_STARTED, f"Its inputs could not be laid down: {error.strerror}.")
        self._full_since = None
        if self._around.stopping.is_set():
            raise Stopping
        self._launch(starts)
        return None

    def _may_wait_for_space(self) -> bool:
        """Others may free some: only what does not fit for long has failed."""
        self._full_since = self._full_since or time.monotonic()
        return time.monotonic() - self._full_since < FULL_PATIENCE_S

    def _launch(self, starts: int) -> None:
        """Start the process after `starts` earlier starts. A launch that the machine refused does not count."""
        self._count_starts(starts + 1)
        spec = self._assignment.spec
        try:
            with step("start", self._assignment):
                traced = {**spec.env, "TRACEPARENT": begin_algorithm(self._place.folder)}
                self._engine.start(self._place, replace(spec, env=traced))
        except Exception:
            self._count_starts(starts)
            raise
        self._log.info("workload_process_started", start=starts + 1)

    def _accompany(self) -> None:
        """Ship what the running process leaves until it has ended."""
        spec = self._assignment.spec
        while self._engine.status(self._place) is ProcessStatus.RUNNING:
            self._check()
            if self._stop_asked:
                self._engine.stop(self._place, "cancelled", spec.grace_s)
            elif self._around.stopping.is_set():
                self.interrupt()
                if self._around.keep:
                    raise Stopping
            try:
                self._tell(self._say_running)
                more = self._tell(self._shipper.ship)
            except Unavailable:
                more = False  # the process goes on; what it leaves is shipped later
            if not more:
                self._pause(_TICK_S if self._told_running else _FIRST_TICK_S)

    def _say_running(self) -> None:
        if not self._told_running and self._engine.started(self._place):
            with step("report", self._assignment):
                self._around.scheduler.report(self._shipper.state)
            self._told_running = True

    def _with_output(self, end: Exit) -> WorkloadExit:
        how = WorkloadExit(
            reason=ExitReason(end.reason),
            message=end.message,
            code=end.code,
            signal=end.signal,
            log_bytes=end.log_bytes,
            peak_memory_bytes=end.peak_memory_bytes,
        )
        if how.reason in _WITHOUT_OUTPUT:
            return how
        try:
            with step("collect", self._assignment):
                return replace(how, outputs=files.collect(self._around.store, self._place))
        except InvalidArgument as error:
            told = f"{end.message} Its output could not be kept: {error.message}"
            return replace(how, reason=ExitReason.ERROR, message=told)

    def _trace_end(self) -> None:
        end = self._engine.exit(self._place)
        if end is not None:
            end_algorithm(self._place.folder, self._assignment, end, self._shipper.state.steps)

    def _tell(self, call: Callable[[], T]) -> T:
        """Call the scheduler. Revoked when the lease has passed on or the workload is unknown, else Unavailable."""
        try:
            return call()
        except Conflict as error:
            if error.reason == "FENCED":
                raise Revoked from error
            raise Unavailable(error.message) from error
        except NotFound as error:
            raise Revoked from error
        except DomainError as error:
            raise Unavailable(error.message, reason=error.reason) from error

    def _check(self) -> None:
        if self._revoked:
            raise Revoked

    def _pause(self, seconds: float) -> None:
        self._wake.wait(seconds)
        self._wake.clear()

    def _starts(self) -> int:
        try:
            return int((self._place.folder / _STARTS).read_text())
        except (OSError, ValueError):
            return 0

    def _count_starts(self, count: int) -> None:
        self._place.folder.mkdir(parents=True, exist_ok=True)
        (self._place.folder / _STARTS).write_text(str(count))

    def _remove(self, *, checkpoint: bool) -> None:
        if checkpoint:  # first: an agent that is killed in between finds the folder, but no folder finds a checkpoint
            self._around.home.forget_checkpoint(self._assignment.workload_id)
        self._engine.remove(self._place)
        self._around.home.tidy(self._assignment.workload_id)

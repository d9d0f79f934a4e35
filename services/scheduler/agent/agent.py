"""The agent: heartbeats, the stream of assignments, and a runner for each of them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.kernel.context import untraced
from services.kernel.errors import DomainError
from services.kernel.logging import get_logger
from services.kernel.values import Resources
from services.scheduler.agent.runner import Runner, Surroundings
from services.scheduler.agent.telemetry import HEARTBEAT_FAILURES, WORKLOADS
from services.scheduler.domain import PROCESS, Assignment

_RETRY_S = 1.0
_WATCH_RETRY_S = 0.3
_RECONCILE_S = 0.5
_STOP_S = 9.0
_ASKED_TOGETHER = 1000

Key = tuple[str, int]

log = get_logger(__name__)


@dataclass(frozen=True)
class NodeDescription:
    name: str
    capacity: Resources


class Agent:
    """Makes the processes of this node agree with its assignments until `stop` is set."""

    def __init__(self, node: NodeDescription, around: Surroundings) -> None:
        self._node = node
        self._around = around
        self._stop = around.stopping
        self._wake = threading.Event()
        self._assignments: Sequence[Assignment] | None = None
        self._runners: dict[Key, Runner] = {}
        self._done: set[Key] = set()

    def run(self) -> None:
        """Work until the stopping event is set, then interrupt what runs (or leave it, as configured) and return."""
        for name, target in (("heartbeat", self._beat), ("watch", self._watch)):
            threading.Thread(target=_without_trace, args=(target,), name=name, daemon=True).start()
        while not self._stop.is_set():
            self._wake.wait(_RECONCILE_S)
            self._wake.clear()
            if not self._stop.is_set():
                self._reconcile()
        for runner in self._runners.values():
            runner.interrupt()
        for runner in self._runners.values():
            runner.join(_STOP_S)
        self._around.home.close()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    def _beat(self) -> None:
        node_id = self._around.home.node_id
        while not self._stop.is_set():
            pause = _RETRY_S
            try:
                pause = self._around.scheduler.heartbeat(node_id, self._node.name, PROCESS, self._node.capacity)
                self._forget_checkpoints()
            except DomainError as error:
                HEARTBEAT_FAILURES.inc()
                log.info("heartbeat_failed", error=error.message)
            self._stop.wait(pause)

    def _forget_checkpoints(self) -> None:
        """Of workloads that have ended, elsewhere or while no agent was there. Those that wait again keep theirs."""
        home = self._around.home
        if kept := home.kept_checkpoints()[:_ASKED_TOGETHER]:
            for workload_id in self._around.scheduler.ended(kept):
                log.info("checkpoint_forgotten", workload_id=workload_id)
                home.forget_checkpoint(workload_id)

    def _watch(self) -> None:
        node_id = self._around.home.node_id
        while not self._stop.is_set():
            try:
                for assignments in self._around.scheduler.watch(node_id):
                    self._assignments = assignments
                    self._wake.set()
            except DomainError as error:
                log.info("assignments_interrupted", error=error.message)
            self._stop.wait(_WATCH_RETRY_S)

    def _reconcile(self) -> None:
        if self._assignments is None:
            return  # nothing is known yet, so nothing may be ended
        wanted = {(item.workload_id, item.fence): item for item in self._assignments}
        self._forget_ended(wanted)
        for key, runner in self._runners.items():
            if key not in wanted:
                runner.revoke()
        for key in list(self._around.home.places()):
            if key not in wanted and key not in self._runners:
                self._remove(key)
        for key, assignment in wanted.items():
            self._attend(key, assignment)
        WORKLOADS.set(len(self._runners))

    def _forget_ended(self, wanted: dict[Key, Assignment]) -> None:
        for key in [key for key, runner in self._runners.items() if not runner.is_alive()]:
            del self._runners[key]
            self._done.add(key)
        # A list that was made before the end was accepted may still name it; once it is gone it does not come back.
        self._done &= wanted.keys()

    def _attend(self, key: Key, assignment: Assignment) -> None:
        runner = self._runners.get(key)
        if runner is not None:
            if assignment.stop:
                runner.ask_stop()
            return
        earlier_lease = any(workload_id == key[0] for workload_id, _ in self._runners)
        if key in self._done or earlier_lease:
            return
        runner = Runner(assignment, self._around, self._wake.set)
        self._runners[key] = runner
        runner.start()

    def _remove(self, key: Key) -> None:
        log.warning("workload_removed", workload_id=key[0], fence=key[1])
        self._around.engine.remove(self._around.home.place(*key))
        self._around.home.tidy(key[0])


def _without_trace(work: Callable[[], None]) -> None:
    with untraced():
        work()

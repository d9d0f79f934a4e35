"""Makes Triton run what is wanted: looks at what is, does what is missing, can be repeated at any point."""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.kernel import tracing
from services.kernel.context import untraced
from services.kernel.errors import Conflict, DomainError, Unavailable
from services.kernel.logging import about, get_logger
from services.serving.domain import ModelRejected, Service, ServiceState
from services.serving.handlers import leasing
from services.serving.handlers.canary import check_answers
from services.serving.handlers.instances import InstanceWatch
from services.serving.handlers.passes import LoadGate, Passes
from services.serving.naming import entry_names, service_of
from services.serving.ports import Attention, Entries, Inference, ModelState, Scheduler, Services

CHECK_EVERY_S = 10.0
MAX_HEALING_ATTEMPTS = 3
MAX_CRASHES = 3
TRITON_AWAY = "Triton does not answer; the service goes on when it is back."

States = Mapping[str, ModelState]
log = get_logger(__name__)


@dataclass
class Reconciler:
    """`transaction` runs database writes so that only the holder of the control lease can commit them."""

    services: Services
    attention: Attention
    scheduler: Scheduler
    inference: Inference
    entries: Entries
    watch: InstanceWatch
    transaction: Callable[[Callable[[], None]], None]
    clock: Callable[[], float] = time.monotonic
    _checked_at: dict[str, float] = field(default_factory=dict)
    _passes: Passes = field(default_factory=Passes)
    _gate: LoadGate = field(default_factory=LoadGate)

    def run_once(self) -> None:
        """One pass over all services that are not settled, several at a time, and over what belongs to none.

        A service that takes long, say to load, keeps its pass over several rounds.
        """
        present = self.entries.services()
        try:
            states: States | None = self.inference.states()
        except Unavailable:
            states = None
        called = self.attention.take()
        for service_id in called:
            self._checked_at.pop(service_id, None)
        busy = self._passes.busy
        unsettled = self.services.unsettled()
        free = sorted((one for one in unsettled if one.id not in busy), key=lambda one: one.crashes)
        failures = self._passes.run(free, lambda service: self._guarded(service, states))
        if states is not None:
            self._remove_orphans(present, states, busy | {service.id for service in unsettled})
            present_models = {service_of(name) for name, state in states.items() if state is not ModelState.ABSENT}
            self.watch.end_left_behind(busy | present_models)
        if failures:
            raise failures[0]

    def _guarded(self, service: Service, states: States | None) -> Exception | None:
        """One service must not hold up the others; its failure is raised when all are done."""
        with about(service_id=service.id, **service.related_ids), untraced(service.traceparent):
            try:
                self.reconcile(service, states)
            except Conflict as error:
                # Somebody changed it meanwhile, which wakes the loop; everything done so far can be repeated.
                log.info("service_changed_meanwhile", reason=error.reason)
            except Exception as error:  # noqa: BLE001
                log.warning("service_pass_failed", error=str(error))
                return error
        return None

    def reconcile(self, service: Service, states: States | None) -> None:
        """One pass over one service. `states` is None while Triton is away."""
        before = copy.deepcopy(service)
        due = self.clock() >= self._checked_at.get(service.id, 0) + CHECK_EVERY_S
        trouble: DomainError | None = None
        try:
            leasing.follow_leases(service, self.scheduler, all_of_them=due)
            service.plan_leases()
            leasing.request_leases(service, self.scheduler, self._save)
            before = self._saved(service, before)
            service.plan_leases()
        except Unavailable as error:
            # What runs is kept running without the scheduler.
            trouble = error
        self._serve(service, states, due)
        # What was decided is stored before leases go back: their end would be read as somebody else's doing.
        before = self._save_changes(service, before)
        try:
            if service.actual_load:
                leasing.report_running(service, self.scheduler)
            if service.actual_load <= service.granted_load:
                leasing.release_leases(service, self.scheduler)
        except Unavailable as error:
            trouble = error
        self._finish(service)
        self._save_changes(service, before)
        if trouble is not None:
            raise trouble

    def _serve(self, service: Service, states: States | None, due: bool) -> None:
        """Bring Triton to the granted load."""
        load = service.granted_load
        if states is None:
            # A service that is to stop does not wait: if Triton comes back with the model, it is an orphan.
            if service.actual_load or load:
                service.is_interrupted(TRITON_AWAY)
            service.actual_load = 0
            return
        try:
            if load == 0:
                self._withdraw(service, states)
            else:
                self._run(service, states, load, due)
        except Unavailable as error:
            service.is_interrupted(error.message)
        except ModelRejected as error:
            self._rejected(service, str(error))

    def _run(self, service: Service, states: States, load: int, due: bool) -> None:
        names = self.entries.names(service.id)
        ready = bool(names) and all(states.get(name) is ModelState.READY for name in names)
        unchanged = ready and service.actual_load == load
        lost = unchanged and self.watch.has_lost(service.id)
        if unchanged and not due and not lost:
            return
        if not unchanged:
            log.info("service_loads", load=load, ready=ready)
            self.watch.forget(service.id)
            self._load(service, load)
        if lost or not self._all_answer(service, load):
            self._heal(service, load)
        elif unchanged:
            self.watch.settle(service.id)
        self._checked_at[service.id] = self.clock()
        service.runs_with(load)

    def _all_answer(self, service: Service, load: int) -> bool:
        """False when an instance is dead or the model is gone."""
        try:
            check_answers(service, load, self.inference)
        except Unavailable as error:
            if error.reason not in ("INSTANCE_DEAD", "MODEL_NOT_LOADED"):
                raise
            return False
        return True

    def _load(self, service: Service, load: int) -> None:
        told: dict[str, str | int] = {"modelyard.service_id": service.id, "modelyard.load": load, **service.related_ids}
        with tracing.span("serving.load", traceparent=service.traceparent, attributes=told):
            served = self.entries.write(service.id, service.bundle, load)
            service.inputs, service.labels = served.inputs, served.labels
            self._load_entry(service)

    def _load_entry(self, service: Service) -> None:
        """Load, counting how often Triton ended meanwhile. ModelRejected when that is this model's doing."""
        alone = service.crashes > 0
        try:
            with self._gate.entered(alone=alone):
                self.inference.load(service.id)
        except Unavailable as error:
            if error.reason != "TRITON_ENDED":
                raise
            service.crashes += 1
            log.warning("triton_ended_while_loading", times=service.crashes, alone=alone)
            if service.crashes < MAX_CRASHES:
                raise
            service.healing_attempts = MAX_HEALING_ATTEMPTS
            told = f"Triton ended {service.crashes} times while it loaded the model, at last with no other beside it."
            raise ModelRejected(told) from error

    def _heal(self, service: Service, load: int) -> None:
        """Start all instances anew; Triton itself leaves a dead one dead and still says that the model is ready."""
        log.warning("service_heals", load=load)
        served = self.entries.write(service.id, service.bundle, load)
        service.inputs, service.labels = served.inputs, served.labels
        self.entries.refresh(service.id)
        self.watch.replace(service.id)
        self._load_entry(service)
        check_answers(service, load, self.inference)

    def _rejected(self, service: Service, error: str) -> None:
        service.healing_attempts += 1
        if service.state is ServiceState.RUNNING and service.healing_attempts < MAX_HEALING_ATTEMPTS:
            service.is_interrupted(f"Is loaded again: {error}")
            return
        log.warning("service_failed", error=error)
        service.fails(error)
        service.plan_leases()
        try:
            self._withdraw_entry(service)
        except Unavailable:
            log.info("withdrawn_later")  # what Triton still has then is an orphan

    def _withdraw(self, service: Service, states: States) -> None:
        if service.actual_load or _is_there(service.id, states) or service.id in self.entries.services():
            self._withdraw_entry(service)
        if service.desired_load and service.actual_load:
            service.lost_its_leases()
        service.actual_load = 0

    def _withdraw_entry(self, service: Service) -> None:
        self.watch.forget(service.id)
        self.inference.unload(service.id)
        self.entries.remove(service.id)
        self._checked_at.pop(service.id, None)

    def _finish(self, service: Service) -> None:
        if service.state is ServiceState.STOPPING and not service.actual_load and not service.leases:
            service.has_stopped()

    def _remove_orphans(self, present: set[str], states: States, unsettled: set[str]) -> None:
        """Unload and remove what belongs to no service that should run. `present` was read before the services."""
        loaded = {service_of(name) for name, state in states.items() if state is ModelState.READY}
        for service_id in (present | loaded) - unsettled - {""}:
            log.warning("orphan_removed", service_id=service_id)
            for name in (service_id, *entry_names(service_id)):
                if states.get(name) is ModelState.READY:
                    self.inference.unload(name)
            self.entries.remove(service_id)

    def _save(self, service: Service) -> None:
        self.transaction(lambda: self.services.save(service))

    def _save_changes(self, service: Service, before: Service) -> Service:
        """Store the service if it is not as it was; the state to compare with from then on."""
        if service == before and not service.pending:
            return before
        self._save(service)
        return copy.deepcopy(service)

    def _saved(self, service: Service, before: Service) -> Service:
        """The state to compare with at the end of the pass: the stored one, if something was stored in between."""
        return copy.deepcopy(service) if service.version != before.version else before


def _is_there(service_id: str, states: States) -> bool:
    return any(states.get(name, ModelState.ABSENT) is not ModelState.ABSENT for name in entry_names(service_id))

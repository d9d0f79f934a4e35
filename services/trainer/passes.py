"""One look at the open runs: what it takes is asked for several runs at a time and written for many at once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TypeAlias

from services.kernel import tracing
from services.kernel.context import current_traceparent, untraced, within_trace
from services.kernel.control import transaction
from services.kernel.errors import Conflict, DeadlineExceeded, DomainError, Unavailable
from services.kernel.logging import about, get_logger
from services.trainer.domain import Run

log = get_logger(__name__)

PARALLEL = 8
"""So many runs are asked about at a time: that is waiting for other services and the object store, mostly."""

TOGETHER = 32
"""So many runs take a step together and share its transaction; the first need not wait for a long queue's last."""

PATIENCE = 3
"""After so many calls in one pass that nobody answered, the rest of the runs wait for the next pass."""

Write: TypeAlias = Callable[[], None]
"""What a step found out, as changes of the database. It may be called again, in another transaction."""


@dataclass(frozen=True)
class Step:
    """`ask` is called outside of any transaction, under a span of this name if there is one.

    It returns None when there is nothing to be written and nothing more to be done for the run.
    """

    ask: Callable[[Run], Write | None]
    span: str = ""


@dataclass(frozen=True)
class _Found:
    """What is to be written about a run, and the trace to which that belongs."""

    run: Run
    write: Write
    traceparent: str

    def commit(self) -> None:
        with within_trace(self.traceparent):
            self.write()


@dataclass
class Pass:
    """Takes runs through steps. One that cannot go on leaves the pass and does not hold up the others."""

    phase: str
    _unanswered: list[DomainError] = field(default_factory=list)
    _failed: list[Exception] = field(default_factory=list)

    def take(self, runs: Sequence[Run], *steps: Step) -> None:
        """Raises what went wrong when every run has had its turn; `Conflict` (FENCED) at once."""
        for first in range(0, len(runs), TOGETHER):
            going_on = runs[first : first + TOGETHER]
            for step in steps:
                going_on = self._write_all(self._ask_all(going_on, step))
        if self._failed:
            raise self._failed[0]
        if self._unanswered:
            raise Unavailable(self._unanswered[-1].message)

    def _ask_all(self, runs: Sequence[Run], step: Step) -> list[_Found]:
        if len(runs) > 1:
            with ThreadPoolExecutor(PARALLEL, thread_name_prefix=self.phase) as pool:
                asked = [pool.submit(copy_context().run, self._ask, run, step) for run in runs]
            found = [one.result() for one in asked]
        else:
            found = [self._ask(run, step) for run in runs]
        return [one for one in found if one is not None]

    def _ask(self, run: Run, step: Step) -> _Found | None:
        if len(self._unanswered) < PATIENCE:
            with self._minding(run), _traced(run, step.span):
                write = step.ask(run)
                return _Found(run, write, current_traceparent()) if write is not None else None
        return None

    def _write_all(self, found: Sequence[_Found]) -> list[Run]:
        """Write in one transaction, or each alone when one of them is refused; the runs of those that were written."""

        def work() -> None:
            for one in found:
                with _about(one.run):
                    one.commit()

        if len(found) > 1:
            try:
                transaction(work)
            except Unavailable as error:
                self._keep(error)
                return []
            except Exception as error:  # whose it is shows when they are written alone
                if _is_fenced(error):
                    raise
                log.info("runs_written_alone", count=len(found), error=repr(error))
            else:
                return [one.run for one in found]
        return [one.run for one in found if self._write(one)]

    def _write(self, found: _Found) -> bool:
        with self._minding(found.run):
            transaction(found.commit)
            return True
        return False

    @contextmanager
    def _minding(self, run: Run) -> Iterator[None]:
        """Keeps what goes wrong for one run until all have had their turn."""
        with _about(run):
            try:
                yield
            except Exception as error:  # noqa: BLE001  # it is raised when all had their turn
                self._keep(error)

    def _keep(self, error: Exception) -> None:
        if isinstance(error, (Unavailable, DeadlineExceeded)):
            self._unanswered.append(error)
        elif _is_fenced(error):
            raise error
        elif isinstance(error, Conflict):
            log.info("run_changed_meanwhile")
        else:
            log.error("run_failed", phase=self.phase, exc_info=error)
            self._failed.append(error)


def _is_fenced(error: Exception) -> bool:
    return isinstance(error, Conflict) and error.reason == "FENCED"


@contextmanager
def _about(run: Run) -> Iterator[None]:
    with about(run_id=run.id, **run.related_ids), untraced(run.traceparent):
        yield


@contextmanager
def _traced(run: Run, span: str) -> Iterator[None]:
    if span:
        with tracing.span(
            span,
            traceparent=run.traceparent,
            attributes={"modelyard.run_id": run.id, "modelyard.task_id": run.task_id},
        ):
            yield
    else:
        yield

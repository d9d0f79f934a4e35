"""The worker role: runs imports, one at a time."""

import threading
import time
from collections.abc import Callable

from services.dataset import handlers
from services.dataset.adapters.jobs import ATTEMPTS, KIND, StoredImportJobs
from services.dataset.adapters.wakeup import SUBSCRIPTION, listen
from services.dataset.bootstrap import SERVICE, build
from services.dataset.config import settings
from services.dataset.domain import Dataset
from services.dataset.ports import Ports
from services.dataset.telemetry import observe_import
from services.kernel import metrics, tracing
from services.kernel.context import acting_as, service_caller
from services.kernel.errors import Conflict, DomainError, NotFound
from services.kernel.logging import about, get_logger
from services.kernel.messaging import queues
from services.kernel.storage.holders import holder_name
from services.kernel.storage.jobs import Job, Jobs

POLL_S = 3.0
_RETRY_S = 2.0
log = get_logger(__name__)


def run(stop: threading.Event) -> None:
    ports = build(settings())
    metrics.watch_disk("dataset", settings().work_folder)
    queues.register([SUBSCRIPTION])
    wake = threading.Event()
    listener = threading.Thread(target=listen, args=(settings(), wake, stop), name="wakeup", daemon=True)
    listener.start()
    holder = holder_name("worker")
    assert isinstance(ports.jobs, StoredImportJobs)  # as bootstrap wires it
    jobs = ports.jobs.jobs
    while not stop.is_set():
        wake.clear()
        try:
            worked = work_once(jobs, holder, ports, stop)
        except Conflict as error:
            log.info("claim_lost", error=error.message)
            worked = True
        except Exception:  # the consumer loop: the claim of what failed runs out, then it is claimed again
            log.exception("worker_failed")
            worked = False
        if not worked:
            _wait(wake, stop)


def work_once(jobs: Jobs, holder: str, ports: Ports, stop: threading.Event) -> bool:
    """Run the oldest import that waits; False when there is none."""
    dead = jobs.claim_exhausted([KIND], holder)
    if dead is not None:
        _guarded(dead, jobs, lambda: handlers.give_up_import(dead, ATTEMPTS, ports))
        return True
    job = jobs.claim([KIND], holder)
    if job is None:
        return False
    with jobs.kept(job) as lost:
        _guarded(job, jobs, lambda: handlers.run_import(job, ports, lambda: lost.is_set() or stop.is_set()))
    return True


def _guarded(job: Job, jobs: Jobs, work: Callable[[], Dataset]) -> None:
    """Run the work of a job as the service itself, and see to the job when it cannot end."""
    told = {"modelyard.job_id": job.id, "modelyard.dataset_id": job.subject}
    with (
        acting_as(service_caller(SERVICE)),
        about(job_id=job.id, dataset_id=job.subject),
        tracing.span("dataset.import", kind="consumer", traceparent=job.traceparent, attributes=told),
    ):
        _attempt(job, jobs, work)


def _attempt(job: Job, jobs: Jobs, work: Callable[[], Dataset]) -> None:
    bound = log.bind(attempt=job.attempts)
    bound.info("import_claimed")
    began = time.perf_counter()
    try:
        dataset = work()
        observe_import(dataset, time.perf_counter() - began)
        bound.info("import_ended", state=dataset.state.value, problems=dataset.problem_count)
    except handlers.ImportCancelled:
        bound.info("import_interrupted")
        jobs.retry(job, "the worker was stopped", delay=0)
    except Conflict as error:
        bound.warning("import_conflict", reason=error.reason)
    except NotFound as error:
        bound.warning("import_without_dataset", error=error.message)
        jobs.fail(job, error.message)
    except DomainError as error:
        bound.warning("import_postponed", reason=error.reason, error=error.message)
        jobs.retry(job, error.message, delay=_RETRY_S * 2**job.attempts)


def _wait(wake: threading.Event, stop: threading.Event) -> None:
    for _ in range(int(POLL_S / 0.25)):
        if wake.wait(0.25) or stop.is_set():
            return

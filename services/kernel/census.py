"""What the holder of a control lease tells about its service as a whole: outbox, jobs, event queues."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from prometheus_client import Gauge

from services.kernel.config import KernelSettings
from services.kernel.errors import Unavailable
from services.kernel.logging import get_logger
from services.kernel.messaging import outbox, queues
from services.kernel.metrics import Values
from services.kernel.storage.jobs import JobDocument, JobState
from services.kernel.storage.mongo import StoredDocument, collection_of

OUTBOX = Gauge("modelyard_outbox_unsent", "Committed events that are not published yet", ["service"])
OUTBOX_AGE = Gauge(
    "modelyard_outbox_oldest_unsent_age_seconds", "Age of the oldest event that is not published yet", ["service"]
)
JOBS = Gauge("modelyard_jobs", "Jobs that wait or run", ["service", "kind", "state"])
JOB_AGE = Gauge("modelyard_job_oldest_age_seconds", "Age of the oldest job that has not ended", ["service", "kind"])
QUEUE = Gauge("modelyard_event_queue_messages", "Messages that are ready in a queue of the broker", ["queue"])
CONSUMERS = Gauge("modelyard_event_queue_consumers", "Consumers of a queue of the broker", ["queue"])

_DEAD = ".dead"

Count = tuple[Gauge, Callable[[], Values]]
log = get_logger(__name__)


def of_kernel(service: str, settings: KernelSettings) -> Sequence[Count]:
    """The counts that every service has."""
    watched = _Queues(service, settings)
    return (
        (OUTBOX, lambda: {(service,): _unsent()}),
        (OUTBOX_AGE, lambda: {(service,): _unsent_age()}),
        (JOBS, lambda: _jobs(service)),
        (JOB_AGE, lambda: _job_ages(service)),
        (QUEUE, watched.messages),
        (CONSUMERS, watched.consumers),
    )


def by_field(document: type[StoredDocument], field: str, values: Sequence[str]) -> Callable[[], Values]:
    """Counts documents by each of the `values` of an indexed field."""

    def count() -> Values:
        found = collection_of(document)
        return {(value,): found.count_documents({field: value}) for value in values}

    return count


def _unsent() -> float:
    return outbox.rows().count_documents({"sent": False}, hint="unsent")


def _unsent_age() -> float:
    # Ids begin with the time, so the least one is the oldest.
    oldest = outbox.rows().find({"sent": False}, {"time": 1}, hint="unsent").sort("_id", 1).limit(1)
    return max((age_seconds(row["time"]) for row in oldest), default=0.0)


def _open_jobs() -> list[dict[str, object]]:
    pipeline: list[dict[str, object]] = [
        {"$match": {"state": {"$in": [JobState.PENDING.value, JobState.RUNNING.value]}}},
        {
            "$group": {
                "_id": {"kind": "$kind", "state": "$state"},
                "count": {"$sum": 1},
                "oldest": {"$min": "$created_at"},
            }
        },
    ]
    return list(collection_of(JobDocument).aggregate(pipeline))


def _jobs(service: str) -> Values:
    return {(service, row["_id"]["kind"], row["_id"]["state"]): row["count"] for row in _open_jobs()}  # type: ignore[index,misc]


def _job_ages(service: str) -> Values:
    ages: dict[tuple[str, ...], float] = {}
    for row in _open_jobs():
        key = (service, row["_id"]["kind"])  # type: ignore[index]
        ages[key] = max(ages.get(key, 0.0), age_seconds(row["oldest"]))  # type: ignore[arg-type]
    return ages


def age_seconds(time: datetime) -> float:
    """Since `time`, which may be naive UTC as the database's driver gives it."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return max((datetime.now(UTC) - aware).total_seconds(), 0.0)


class _Queues:
    """Asks the broker once for both gauges; while it is away they are not shown."""

    def __init__(self, service: str, settings: KernelSettings) -> None:
        self._observer = queues.Observer(settings, service)
        self._seen: dict[str, queues.QueueState] = {}

    def messages(self) -> Values:
        try:
            self._seen = dict(self._observer.look())
        except Unavailable:
            log.info("queues_not_seen")
            self._seen = {}
        return {(queue,): state.messages for queue, state in self._seen.items()}

    def consumers(self) -> Values:
        # Nobody consumes dead letters.
        return {(queue,): state.consumers for queue, state in self._seen.items() if not queue.endswith(_DEAD)}

"""How a service is, read from the kernel's own collections of its database."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pymongo.database import Database

from services.kernel.entity import utc_now
from services.kernel.storage.jobs import JobState
from services.kernel.storage.mongo import BsonDocument

COUNTED = 100_000
SHOWN = 20
JOB_WAITS = timedelta(minutes=10)
"""A job that nobody has claimed for so long, or whose worker died so long ago, does not go on."""


@dataclass(frozen=True)
class Stuck:
    """Something that has been in a state for longer than that takes."""

    kind: str
    id: str
    state: str
    since_at: datetime
    detail: str = ""


@dataclass(frozen=True)
class ServiceCondition:
    """As the message of the same name."""

    service: str
    error: str = ""
    unsent_events: int = 0
    oldest_unsent_at: datetime | None = None
    control_holder: str = ""
    control_until: datetime | None = None
    event_queues: tuple[str, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    time: datetime = field(default_factory=utc_now)


def condition_of(service: str, database: Database[BsonDocument], stuck: tuple[Stuck, ...] = ()) -> ServiceCondition:
    """`stuck` is what the service itself knows beside the kernel's jobs."""
    outbox, lease = database["outbox"], database["control_leases"].find_one({"_id": "control"}) or {}
    oldest = outbox.find_one({"sent": False}, {"time": 1}, sort=[("_id", 1)])
    until: datetime | None = lease.get("expires_at")
    held = until is not None and until > utc_now()
    return ServiceCondition(
        service,
        unsent_events=outbox.count_documents({"sent": False}, limit=COUNTED),
        oldest_unsent_at=oldest["time"] if oldest else None,
        control_holder=str(lease.get("holder", "")) if held else "",
        control_until=until if held else None,
        event_queues=tuple(str(row["_id"]) for row in database["event_queues"].find().sort("_id")),
        stuck=(*stuck, *_stuck_jobs(database)),
    )


def _stuck_jobs(database: Database[BsonDocument]) -> tuple[Stuck, ...]:
    late = utc_now() - JOB_WAITS
    query: BsonDocument = {
        "$or": [
            {"state": JobState.PENDING.value, "not_before": {"$lt": late}},
            {"state": JobState.RUNNING.value, "claimed_until": {"$lt": late}},
        ]
    }
    return tuple(
        Stuck("job", str(row["_id"]), str(row["state"]), row["created_at"], f"{row['kind']} of {row['subject']}")
        for row in database["jobs"].find(query).sort("_id").limit(SHOWN)
    )

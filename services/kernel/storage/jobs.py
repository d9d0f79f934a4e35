"""Long work that outlives processes: a row says what is to do, a worker claims it for a while."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

import mongoengine
from prometheus_client import Counter
from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from services.kernel.context import current_traceparent
from services.kernel.entity import utc_now
from services.kernel.errors import Conflict, NotFound
from services.kernel.ids import new_id
from services.kernel.logging import get_logger
from services.kernel.storage.expiry import Expiry
from services.kernel.storage.holders import is_gone
from services.kernel.storage.mongo import BsonDocument, StoredDocument, collection_of
from services.kernel.storage.transactions import on_commit

ENDED = Counter("modelyard_jobs_ended_total", "Attempts at jobs, by how they ended", ["kind", "outcome"])

_log = get_logger(__name__)


class JobState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class JobDocument(StoredDocument):
    """A job; `claimed_until` passes when its worker died."""

    id = mongoengine.StringField(primary_key=True)
    kind = mongoengine.StringField()
    subject = mongoengine.StringField()
    payload = mongoengine.DynamicField()
    state = mongoengine.StringField()
    attempts = mongoengine.IntField()
    claimed_by = mongoengine.StringField()
    claimed_until = mongoengine.DateTimeField()
    not_before = mongoengine.DateTimeField()
    progress = mongoengine.FloatField()
    error = mongoengine.StringField()
    created_at = mongoengine.DateTimeField()
    ended_at = mongoengine.DateTimeField()

    meta: ClassVar[dict[str, object]] = {
        "collection": "jobs",
        "indexes": [
            ("state", "kind", "id"),
            ("subject", "kind"),
        ],
    }
    expiry = Expiry("ended_at", kept="jobs", index="ended_at_1")


@dataclass(frozen=True)
class Job:
    """A job as it was read. `attempts` counts claims, this one included; `progress` goes from 0 to 1.

    `traceparent` is the trace of whoever asked for it.
    """

    id: str
    kind: str
    subject: str
    payload: Mapping[str, object]
    state: JobState
    attempts: int
    claimed_by: str
    progress: float
    error: str
    created_at: datetime = field(default_factory=utc_now)
    traceparent: str = ""


class Jobs:
    """The jobs of this process's service. `claim_seconds` is how long a claim holds without a heartbeat."""

    def __init__(self, *, max_attempts: int = 3, claim_seconds: float = 60.0) -> None:
        self.max_attempts = max_attempts
        self.claim_seconds = claim_seconds

    def add(self, kind: str, subject: str, payload: Mapping[str, object]) -> Job:
        """Note a job about `subject`, in the caller's transaction if there is one. `payload` is small and bson-able."""
        body: BsonDocument = {
            "_id": new_id("job"),
            "kind": kind,
            "subject": subject,
            "payload": dict(payload),
            "state": JobState.PENDING.value,
            "attempts": 0,
            "claimed_by": "",
            "claimed_until": None,
            "not_before": utc_now(),
            "progress": 0.0,
            "error": "",
            "created_at": utc_now(),
            "ended_at": None,
            "traceparent": current_traceparent(),
        }
        collection_of(JobDocument).insert_one(body)
        return _job(body)

    def claim(self, kinds: Sequence[str], holder: str) -> Job | None:
        """The oldest job that waits, or whose claim has expired or worker is gone, now claimed by `holder`, or None.

        Jobs that used up their attempts are left to `claim_exhausted`.
        """
        return self._claim(kinds, holder, {"attempts": {"$lt": self.max_attempts}})

    def claim_exhausted(self, kinds: Sequence[str], holder: str) -> Job | None:
        """A job whose workers died `max_attempts` times: to be failed together with what depends on it."""
        return self._claim(kinds, holder, {"attempts": {"$gte": self.max_attempts}})

    def _claim(self, kinds: Sequence[str], holder: str, more: Mapping[str, object]) -> Job | None:
        now = utc_now()
        running = {"state": JobState.RUNNING.value, "kind": {"$in": list(kinds)}}
        gone = [name for name in collection_of(JobDocument).distinct("claimed_by", running) if is_gone(name)]
        claimable = [
            {"state": JobState.PENDING.value, "not_before": {"$lte": now}},
            {"state": JobState.RUNNING.value, "claimed_until": {"$lt": now}},
            {"state": JobState.RUNNING.value, "claimed_by": {"$in": gone}},
        ]
        body = collection_of(JobDocument).find_one_and_update(
            {"kind": {"$in": list(kinds)}, "$or": claimable, **more},
            {
                "$set": {"state": JobState.RUNNING.value, "claimed_by": holder, "claimed_until": self._until()},
                "$inc": {"attempts": 1},
            },
            sort=[("_id", 1)],
            return_document=ReturnDocument.AFTER,
        )
        return None if body is None else _job(body)

    def heartbeat(self, job: Job, progress: float | None = None) -> None:
        """Keep the claim, and tell how far the work is. Conflict (CLAIM_LOST) when another has the job now."""
        changes: BsonDocument = {"claimed_until": self._until()}
        if progress is not None:
            changes["progress"] = progress
        self._update(job, changes)

    def finish(self, job: Job) -> None:
        """The work is done; joins the transaction that stores its result. Conflict (CLAIM_LOST) undoes that."""
        self._update(job, {"state": JobState.DONE.value, "progress": 1.0, "ended_at": utc_now()})
        on_commit(ENDED.labels(job.kind, "done").inc)

    def fail(self, job: Job, error: str) -> None:
        """The work can never succeed. Conflict (CLAIM_LOST) when another has the job now."""
        self._update(job, {"state": JobState.FAILED.value, "error": error[:4000], "ended_at": utc_now()})
        on_commit(ENDED.labels(job.kind, "failed").inc)

    def retry(self, job: Job, error: str, *, delay: float = 5.0) -> None:
        """Give the job back to be claimed again after `delay` seconds."""
        later = utc_now() + timedelta(seconds=delay)
        self._update(job, {"state": JobState.PENDING.value, "error": error[:4000], "not_before": later})
        on_commit(ENDED.labels(job.kind, "retried").inc)

    @contextmanager
    def kept(self, job: Job) -> Iterator[threading.Event]:
        """Send heartbeats while the body runs. The event is set when the claim is lost: the work must stop then."""
        lost, ended = threading.Event(), threading.Event()

        def keep() -> None:
            while not ended.wait(self.claim_seconds / 4):
                try:
                    self.heartbeat(job)
                except Conflict:
                    lost.set()
                    return
                except PyMongoError as error:
                    _log.warning("heartbeat_failed", job=job.id, error=str(error)[:200])

        thread = threading.Thread(target=keep, name=f"keep-{job.id}", daemon=True)
        thread.start()
        try:
            yield lost
        finally:
            ended.set()
            thread.join(5)

    def get(self, job_id: str) -> Job:
        body = collection_of(JobDocument).find_one({"_id": job_id})
        if body is None:
            raise NotFound(f"There is no job {job_id!r}.")
        return _job(body)

    def of_subject(self, subject: str, kind: str = "") -> list[Job]:
        """All jobs about a subject, oldest first."""
        query = {"subject": subject, "kind": kind} if kind else {"subject": subject}
        return [_job(body) for body in collection_of(JobDocument).find(query).sort("_id")]

    def _until(self) -> datetime:
        return utc_now() + timedelta(seconds=self.claim_seconds)

    def _update(self, job: Job, changes: BsonDocument) -> None:
        # The attempt is part of the claim: the same holder may have claimed the job again since.
        ours = {
            "_id": job.id,
            "state": JobState.RUNNING.value,
            "claimed_by": job.claimed_by,
            "attempts": job.attempts,
        }
        if collection_of(JobDocument).update_one(ours, {"$set": changes}).matched_count == 0:
            raise Conflict(f"The job {job.id} is no longer claimed by {job.claimed_by}.", reason="CLAIM_LOST")


def _job(body: BsonDocument) -> Job:
    return Job(
        id=body["_id"],
        kind=body["kind"],
        subject=body["subject"],
        payload=body["payload"],
        state=JobState(body["state"]),
        attempts=body["attempts"],
        claimed_by=body["claimed_by"],
        progress=body["progress"],
        error=body["error"],
        created_at=body["created_at"],
        traceparent=body.get("traceparent", ""),
    )

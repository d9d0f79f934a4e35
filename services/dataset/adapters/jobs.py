"""Imports as resumable jobs."""

from services.dataset.ports import ImportJob, ImportOrder
from services.kernel.storage.jobs import Job, Jobs

KIND = "dataset.import"
CLAIM_SECONDS = 15.0
ATTEMPTS = 6


class StoredImportJobs:
    """The queue of imports in the service's database."""

    def __init__(self) -> None:
        self.jobs = Jobs(max_attempts=ATTEMPTS, claim_seconds=CLAIM_SECONDS)

    def add(self, order: ImportOrder) -> str:
        payload = {"upload_id": order.upload_id, "test_upload_id": order.test_upload_id}
        return self.jobs.add(KIND, order.dataset_id, payload).id

    def order(self, job: ImportJob) -> ImportOrder:
        payload = _stored(job).payload
        return ImportOrder(job.subject, str(payload["upload_id"]), str(payload["test_upload_id"]))

    def finish(self, job: ImportJob) -> None:
        self.jobs.finish(_stored(job))

    def fail(self, job: ImportJob, error: str) -> None:
        self.jobs.fail(_stored(job), error)


def _stored(job: ImportJob) -> Job:
    if not isinstance(job, Job):
        raise TypeError(f"{job!r} was not claimed from the database")
    return job

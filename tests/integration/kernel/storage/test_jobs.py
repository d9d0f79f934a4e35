"""Jobs on the real server."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.kernel.errors import Conflict, NotFound
from services.kernel.storage.holders import holder_name
from services.kernel.storage.jobs import Job, Jobs, JobState
from services.kernel.storage.mongo import collection_of, database
from services.kernel.storage.transactions import in_transaction
from tests.integration.kernel.storage.things import ThingDocument
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("database")


def _claimed(jobs: Jobs, holder: str) -> Job:
    job = jobs.claim(["import"], holder)
    assert job is not None
    return job


def test_life_of_a_job() -> None:
    jobs = Jobs()
    made = jobs.add("import", "ds-1", {"uploads": ["u-1"], "n": 3})
    assert jobs.claim(["other"], "w") is None
    job = _claimed(jobs, "w")
    assert (job.id, job.payload, job.attempts, job.state) == (made.id, {"uploads": ["u-1"], "n": 3}, 1, "running")
    assert jobs.claim(["import"], "w2") is None
    jobs.heartbeat(job, 0.5)
    assert jobs.get(job.id).progress == 0.5
    jobs.finish(job)
    assert jobs.of_subject("ds-1", "import")[0].state is JobState.DONE
    assert jobs.claim(["import"], "w") is None
    with pytest.raises(NotFound):
        jobs.get("job-unknown")


def test_oldest_first_and_each_to_one_worker() -> None:
    jobs = Jobs()
    ids = [jobs.add("import", f"s-{number}", {}).id for number in range(12)]
    assert _claimed(jobs, "first").id == min(ids)
    with ThreadPoolExecutor(6) as pool:
        claims = list(pool.map(lambda number: jobs.claim(["import"], f"w{number}"), range(14)))
    taken = [job.id for job in claims if job is not None]
    assert len(taken) == len(set(taken)) == 11


def test_the_claim_of_a_process_that_has_ended_is_taken_over_at_once() -> None:
    jobs = Jobs()
    jobs.add("import", "ds-1", {})
    place = holder_name("test").rpartition("@")[2]
    dead = _claimed(jobs, f"host:99999999:x@{place}")
    job = _claimed(jobs, holder_name("test"))
    assert (job.id, job.attempts) == (dead.id, 2)
    with pytest.raises(Conflict):
        jobs.finish(dead)
    assert jobs.claim(["import"], holder_name("test")) is None


def test_the_claim_of_a_dead_worker_is_taken_over_and_the_dead_one_is_fenced() -> None:
    jobs = Jobs(claim_seconds=0.05)
    jobs.add("import", "s", {})
    dead = _claimed(jobs, "w")
    taken = eventually(lambda: jobs.claim(["import"], "w"), 5)
    assert taken is not None
    assert taken.attempts == 2
    late: list[Callable[[], None]] = [
        lambda: jobs.heartbeat(dead),
        lambda: jobs.finish(dead),
        lambda: jobs.fail(dead, "x"),
    ]
    for call in late:
        with pytest.raises(Conflict) as caught:
            call()
        assert caught.value.reason == "CLAIM_LOST"


def test_attempts_are_bounded() -> None:
    jobs = Jobs(max_attempts=2, claim_seconds=0.001)
    made = jobs.add("import", "s", {})
    for attempt in (1, 2):
        found = eventually(lambda: jobs.claim(["import"], "w"), 5)
        assert found is not None
        assert found.attempts == attempt
    threading.Event().wait(0.05)
    assert jobs.claim(["import"], "w") is None
    exhausted = jobs.claim_exhausted(["import"], "w")
    assert exhausted is not None
    assert exhausted.id == made.id
    jobs.fail(exhausted, "the worker died twice")
    assert jobs.claim_exhausted(["import"], "w") is None
    assert jobs.get(made.id).error == "the worker died twice"


def test_result_and_finish_are_one_transaction() -> None:
    jobs = Jobs(claim_seconds=0.001)
    jobs.add("import", "s", {})
    dead = _claimed(jobs, "w1")
    eventually(lambda: jobs.claim(["import"], "w2") is not None, 5)

    def work() -> None:
        collection_of(ThingDocument).insert_one({"_id": "result", "name": "r"})
        jobs.finish(dead)

    with pytest.raises(Conflict):
        in_transaction(work)
    assert collection_of(ThingDocument).count_documents({}) == 0


def test_a_job_given_back_waits() -> None:
    jobs = Jobs()
    jobs.add("import", "s", {})
    jobs.retry(_claimed(jobs, "w"), "the object store is away", delay=0.3)
    assert jobs.claim(["import"], "w") is None
    eventually(lambda: jobs.claim(["import"], "w") is not None, 5)


def test_a_kept_claim_is_not_taken_and_its_loss_is_told() -> None:
    jobs = Jobs(claim_seconds=0.4)
    jobs.add("import", "s", {})
    job = _claimed(jobs, "w1")
    with jobs.kept(job) as lost:
        assert not lost.wait(1.0)
        assert jobs.claim(["import"], "w2") is None
        database()["jobs"].update_one({"_id": job.id}, {"$set": {"claimed_by": "thief"}})
        assert lost.wait(5)

"""The life of tasks through the trainer's processes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from protos.common.v1 import common_pb2
from protos.trainer.v1 import model_pb2, task_pb2
from services.kernel.context import Caller, acting_as
from services.kernel.errors import Conflict, FailedPrecondition, PermissionDenied
from tests.integration.trainer.conftest import GOOD, SCORES, Platform, State
from tests.integration.trainer.peers import BROKEN
from tests.support.polling import eventually

LIFE = ["task.created", "task.submitted", "task.started", "task.finished"]


def test_a_task_lives_by_the_events_of_its_workload(platform: Platform) -> None:
    task_id = platform.create()
    workload = platform.workload(task_id)
    assert (workload.spec.subject, platform.task(task_id).state) == (f"run/{task_id}-1", State.STATE_WAITING)
    platform.tell(platform.started(workload))
    assert platform.reaches(task_id, State.STATE_TRAINING).workload_id == workload.id
    platform.tell(platform.exited(workload, GOOD))
    task = platform.reaches(task_id, State.STATE_FINISHED)
    assert task.scores.recall == SCORES["recall"]
    assert platform.events(task_id) == LIFE
    assert platform.run_record(task_id)["phase"] == "closed"
    assert list(platform.tasks.GetTaskReport(task_pb2.GetTaskReportRequest(id=task_id)).classes) == ["a", "b"]


def test_events_twice_and_out_of_order_end_a_task_once(platform: Platform) -> None:
    task_id = platform.create()
    workload = platform.workload(task_id)
    started, exited = platform.started(workload), platform.exited(workload, GOOD)
    platform.tell(exited, exited, started, exited)
    platform.reaches(task_id, State.STATE_FINISHED)
    platform.tell(started, exited)
    other = platform.finished()  # its events come after those
    platform.reaches(other, State.STATE_FINISHED)
    assert platform.events(task_id) == LIFE
    assert platform.task(task_id).state == State.STATE_FINISHED


def test_a_model_is_published_once(platform: Platform) -> None:
    task_id = platform.finished()
    platform.reaches(task_id, State.STATE_FINISHED)

    def publish(_: int) -> str:
        with acting_as(Caller("ann")):
            try:
                return str(platform.tasks.PublishTask(task_pb2.PublishTaskRequest(id=task_id), timeout=30).id)
            except (FailedPrecondition, Conflict):
                return ""

    with ThreadPoolExecutor(8) as pool:
        published = [version for version in pool.map(publish, range(8)) if version]
    assert len(published) == 1
    version = platform.models.GetModelVersion(model_pb2.GetModelVersionRequest(id=published[0]))
    assert version.number == "3.01"
    assert platform.database["model_versions"].count_documents({"provenance.task_id": task_id}) == 1
    assert platform.events(task_id) == [*LIFE, "task.published"]
    parts = platform.models.DownloadModelVersion(model_pb2.DownloadModelVersionRequest(id=version.id))
    assert b"weights" in b"".join(part.data for part in parts)


def test_a_stopped_task_cancels_its_workload_and_does_not_hammer(platform: Platform) -> None:
    task_id = platform.create()
    workload = platform.workload(task_id)
    platform.tell(platform.started(workload))
    platform.reaches(task_id, State.STATE_TRAINING)
    platform.tasks.StopTask(task_pb2.StopTaskRequest(id=task_id))
    eventually(lambda: workload.id in platform.scheduler.cancelled)
    other = platform.finished()  # takes many passes of the loops
    platform.reaches(other, State.STATE_FINISHED)
    assert platform.scheduler.cancelled.count(workload.id) == 1
    # The run of a task that is gone comes to its end all the same.
    platform.tasks.DeleteTask(task_pb2.DeleteTaskRequest(id=task_id))
    platform.tell(platform.exited(workload, {}))
    eventually(lambda: platform.run_record(task_id)["phase"] == "closed")
    assert platform.events(task_id)[-2:] == ["task.stopped", "task.deleted"]


def test_only_administrators_make_presets(platform: Platform) -> None:
    task_id = platform.create(start=False)
    preset = task_pb2.Task(visibility=common_pb2.VISIBILITY_PRESET)
    request = task_pb2.UpdateTaskRequest(id=task_id, task=preset, update_mask=FieldMask(paths=["visibility"]))
    with pytest.raises(PermissionDenied):
        platform.tasks.UpdateTask(request)
    assert platform.task(task_id).visibility == common_pb2.VISIBILITY_PRIVATE


def test_a_run_that_cannot_go_on_does_not_hold_up_others(platform: Platform) -> None:
    broken = platform.create(dataset_id=BROKEN)
    other = platform.finished()
    platform.reaches(other, State.STATE_FINISHED)
    assert platform.task(broken).state == State.STATE_WAITING
    platform.database["runs"].update_one({"_id": f"{broken}-1"}, {"$set": {"phase": "closed"}})


def test_a_workload_that_the_scheduler_forgot_fails_its_task(platform: Platform) -> None:
    task_id = platform.create()
    workload = platform.workload(task_id)
    platform.tell(platform.started(workload))
    platform.reaches(task_id, State.STATE_TRAINING)
    del platform.scheduler.workloads[f"{task_id}-1"]
    platform.database["runs"].update_one(
        {"_id": f"{task_id}-1"}, [{"$set": {"updated_at": {"$add": ["$updated_at", -3_600_000]}}}]
    )
    assert platform.reaches(task_id, State.STATE_FAILED).error_reason == "LOST"


def test_killed_between_submission_and_its_record(platform: Platform) -> None:
    """One workload, and whatever it tells in between loses nothing of what the run is made of."""
    scheduler = platform.scheduler
    scheduler.holding = True
    task_id = platform.create()
    workload = platform.workload(task_id)
    assert platform.run_record(task_id)["phase"] == "preparing"
    platform.kill("control")
    scheduler.holding = False
    scheduler.released.set()
    platform.tell(platform.started(workload))
    platform.reaches(task_id, State.STATE_TRAINING)
    platform.start("control")
    platform.tell(platform.exited(workload, GOOD))
    eventually(lambda: platform.task(task_id).state == State.STATE_FINISHED, timeout=30)
    assert platform.events(task_id) == LIFE
    assert {one for one in scheduler.workloads if one.startswith(task_id)} == {f"{task_id}-1"}
    version = platform.tasks.PublishTask(task_pb2.PublishTaskRequest(id=task_id))
    told = version.provenance
    assert (version.number, told.manifest, told.code_hash) == ("3.01", "e" * 64, "the hash of the code")


def test_killed_before_the_answer_submits_the_same_again(platform: Platform) -> None:
    scheduler = platform.scheduler
    scheduler.released.clear()
    scheduler.holding = True
    task_id = platform.create()
    workload = platform.workload(task_id)
    platform.kill("control")
    scheduler.holding = False
    scheduler.released.set()
    platform.start("control")
    eventually(lambda: platform.run_record(task_id)["phase"] == "submitted", timeout=30)
    assert scheduler.submissions.count(f"{task_id}-1") == 2
    assert platform.run_record(task_id)["workload_id"] == platform.task(task_id).workload_id == workload.id

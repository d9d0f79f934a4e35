"""From the submission to the end, with real servers, processes and agents."""

import secrets

import pymongo
import pytest

from protos.scheduler.v1 import agent_pb2, workload_pb2
from services.kernel.context import Caller, acting_as
from services.kernel.errors import Conflict, NotFound, PermissionDenied
from services.kernel.storage.bundles import BundleRef, iter_index
from services.kernel.storage.objects import MinioStore
from services.scheduler.engines.process.shim import tree
from tests.integration.scheduler.platform import EXITED, RUNNING, Platform
from tests.support.polling import eventually

HELLO = """
import json, os
print("hello")
with open(os.environ["MODELYARD_METRICS"], "a") as metrics:
    for step in range(3):
        metrics.write(json.dumps({"step": step, "name": "loss", "value": 1.0 / (step + 1), "time": 1764000000}) + "\\n")
    metrics.write(json.dumps({"step": 0, "name": "progress", "value": 0.5}) + "\\n")
os.mkdir(os.environ["MODELYARD_OUTPUT"] + "/model")
open(os.environ["MODELYARD_OUTPUT"] + "/model/weights", "w").write("w")
"""
STEADY = """
import os, time
print("started", flush=True)
while not os.path.exists(os.environ["MODELYARD_CHECKPOINT"] + "/finish"): time.sleep(0.05)
print("finished")
"""
RESUMING = """
import os, signal, sys, time
saved = os.environ["MODELYARD_CHECKPOINT"] + "/saved"
if os.path.exists(saved):
    print("resumed")
    sys.exit(0)
def save(*_):
    open(saved, "w").close()
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
print("started", flush=True)
while True: time.sleep(0.05)
"""


def a_request() -> str:
    return f"test-{secrets.token_hex(8)}"


def events_of(platform: Platform, workload_id: str) -> list[str]:
    with pymongo.MongoClient[dict[str, object]](platform.settings.mongo_uri.get_secret_value()) as client:
        text = [str(row) for row in client["modelyard_scheduler"]["outbox"].find().sort("_id")]
    names = ("submitted", "placed", "started", "lost", "exited")
    return [name for row in text if workload_id in row for name in names if f"workload.{name}" in row]


def test_from_submission_to_the_end(platform: Platform) -> None:
    platform.start_agent("first")
    made = platform.submit(a_request(), HELLO)
    ended = platform.until(made.id, lambda found: found.state == EXITED)
    assert ended.exit.reason == workload_pb2.WorkloadExit.REASON_COMPLETED, ended.exit
    assert (ended.progress, ended.attempt) == (1.0, 1)
    assert platform.log(made.id) == "hello\n"
    points = platform.workloads.ListMetricPoints(workload_pb2.ListMetricPointsRequest(id=made.id)).points
    assert [(point.index, point.name, point.step) for point in points] == [
        (1, "loss", 0),
        (2, "loss", 1),
        (3, "loss", 2),
    ]
    outputs = ended.exit.outputs
    ref = BundleRef(outputs.index, outputs.files, outputs.bytes)
    assert [entry.path for entry in iter_index(MinioStore(platform.settings), ref)] == ["model/weights"]
    assert events_of(platform, made.id) == ["submitted", "placed", "started", "exited"]
    assert ended.started_at.ToMilliseconds() - ended.created_at.ToMilliseconds() < 5000


def test_a_request_id_names_one_workload_for_ever(platform: Platform) -> None:
    request = a_request()
    first = platform.submit(request, HELLO)
    assert platform.submit(request, HELLO).id == first.id


def test_a_pending_workload_says_why_it_waits_and_can_be_cancelled(platform: Platform) -> None:
    platform.start_agent("small", cpu_millis=1000)
    made = platform.submit(a_request(), HELLO, cpu_millis=64000)
    platform.until(made.id, lambda found: "It needs 64 cores" in found.waiting_reason)
    platform.workloads.CancelWorkload(workload_pb2.CancelWorkloadRequest(id=made.id))
    assert platform.get(made.id).exit.reason == workload_pb2.WorkloadExit.REASON_CANCELLED


def test_the_log_is_followed_until_the_end(platform: Platform) -> None:
    platform.start_agent("logs")
    made = platform.submit(a_request(), "import time\nfor n in range(5): print(n, flush=True); time.sleep(0.1)")
    assert platform.log(made.id, follow=True) == "0\n1\n2\n3\n4\n"


def test_a_large_log_comes_whole(platform: Platform) -> None:
    platform.start_agent("large")
    made = platform.submit(a_request(), "for n in range(300000): print(n)")
    platform.until(made.id, lambda found: found.state == EXITED)
    assert platform.log(made.id).splitlines() == [str(n) for n in range(300000)]


def test_cancel_ends_a_running_workload(platform: Platform) -> None:
    platform.start_agent("cancelling")
    made = platform.submit(a_request(), STEADY, grace_s=5)
    platform.until(made.id, lambda found: found.state == RUNNING)
    platform.workloads.CancelWorkload(workload_pb2.CancelWorkloadRequest(id=made.id))
    ended = platform.until(made.id, lambda found: found.state == EXITED)
    assert ended.exit.reason == workload_pb2.WorkloadExit.REASON_CANCELLED


def test_a_killed_agent_adopts_its_process_again(platform: Platform) -> None:
    agent = platform.start_agent("killed")
    made = platform.submit(a_request(), STEADY)
    platform.until(made.id, lambda found: found.state == RUNNING)
    agent.kill()
    home = agent.log.parent / "killed"
    (home / "checkpoints" / made.id / "finish").touch()
    platform.start_agent("killed")
    ended = platform.until(made.id, lambda found: found.state == EXITED)
    assert (ended.exit.reason, ended.attempt) == (workload_pb2.WorkloadExit.REASON_COMPLETED, 1)
    assert platform.log(made.id) == "started\nfinished\n"


def test_a_checkpoint_goes_with_its_workload_wherever_that_ended(platform: Platform) -> None:
    agent = platform.start_agent("leaving")
    made = platform.submit(a_request(), STEADY)
    platform.until(made.id, lambda found: found.state == RUNNING)
    agent.kill()
    checkpoint = agent.log.parent / "leaving" / "checkpoints" / made.id
    assert checkpoint.is_dir()
    platform.start_agent("leaving")
    platform.workloads.CancelWorkload(workload_pb2.CancelWorkloadRequest(id=made.id))
    platform.until(made.id, lambda found: found.state == EXITED)
    eventually(lambda: not checkpoint.exists(), 10)
    checkpoint.mkdir()  # as an agent leaves it that is killed before it has cleared up
    eventually(lambda: not checkpoint.exists(), 15)


def test_a_stopped_agent_interrupts_and_resumes(platform: Platform) -> None:
    agent = platform.start_agent("stopped")
    made = platform.submit(a_request(), RESUMING, grace_s=5)
    platform.until(made.id, lambda found: found.state == RUNNING)
    eventually(lambda: platform.log(made.id) == "started\n", 10)
    assert agent.terminate() == 0
    fence = platform.get(made.id).lease.fence
    folder = agent.log.parent / "stopped" / "work" / made.id / str(fence)
    assert folder.exists()
    assert tree.marked(f"MODELYARD_WORK_FOLDER={folder}") == []
    assert platform.get(made.id).state == RUNNING
    platform.start_agent("stopped")
    ended = platform.until(made.id, lambda found: found.state == EXITED)
    assert ended.exit.reason == workload_pb2.WorkloadExit.REASON_COMPLETED
    assert platform.log(made.id) == "started\nresumed\n"
    assert events_of(platform, made.id).count("exited") == 1


def test_a_killed_scheduler_changes_nothing_for_what_runs(platform: Platform) -> None:
    agent = platform.start_agent("steady")
    made = platform.submit(a_request(), STEADY)
    platform.until(made.id, lambda found: found.state == RUNNING)
    assert platform.scheduler is not None
    platform.scheduler.kill()
    (agent.log.parent / "steady" / "checkpoints" / made.id / "finish").touch()
    platform.start_scheduler()
    ended = platform.until(made.id, lambda found: found.state == EXITED)
    assert (ended.exit.reason, ended.attempt) == (workload_pb2.WorkloadExit.REASON_COMPLETED, 1)


def test_the_workloads_of_a_lost_node_start_again_elsewhere(platform: Platform) -> None:
    agent = platform.start_agent("doomed", cpu_millis=1000)
    made = platform.submit(a_request(), STEADY)
    first = platform.until(made.id, lambda found: found.state == RUNNING)
    eventually(lambda: platform.log(made.id) == "started\n", 10)
    agent.kill()
    other = platform.start_agent("other", cpu_millis=1000)
    again = platform.until(made.id, lambda found: found.state == RUNNING and found.attempt == 2, 40)
    assert platform.node("doomed").state == "lost"
    assert again.lease.fence > first.lease.fence
    with pytest.raises(Conflict) as refused:
        platform.agents.ReportState(
            agent_pb2.ReportStateRequest(
                node_id=first.lease.node_id, workload_id=made.id, fence=first.lease.fence, state=RUNNING
            )
        )
    assert refused.value.reason == "FENCED"
    doomed_folder = agent.log.parent / "doomed" / "work" / made.id / str(first.lease.fence)
    platform.start_agent("doomed", cpu_millis=1000)
    eventually(lambda: not doomed_folder.exists(), 15)
    assert tree.marked(f"MODELYARD_WORK_FOLDER={doomed_folder}") == []
    (other.log.parent / "other" / "checkpoints" / made.id / "finish").touch()
    platform.until(made.id, lambda found: found.state == EXITED)
    assert platform.log(made.id) == "started\nstarted\nfinished\n"
    assert events_of(platform, made.id) == ["submitted", "placed", "started", "lost", "placed", "started", "exited"]


def test_people_see_their_own_and_may_not_submit(platform: Platform) -> None:
    made = platform.submit(a_request(), HELLO)
    with acting_as(Caller("user-1")):
        assert platform.get(made.id).id == made.id
        with pytest.raises(PermissionDenied):
            platform.submit(a_request(), HELLO)
    with acting_as(Caller("user-2")), pytest.raises(NotFound):
        platform.get(made.id)

"""Metrics, traces and logs of a running instance, seen through one whole job."""

import base64
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded import logs
from deploy.embedded.plan import PROCESSES
from deploy.embedded.settings import METRICS_OFFSET, PORT_OFFSETS
from services.kernel.context import TraceContext
from services.kernel.redaction import is_secret_name
from tests.e2e.conftest import Platform
from tests.support import jobs, promql
from tests.support.collector import Collector, Span, tree
from tests.support.polling import eventually
from tests.unit.observability.test_files import QUERIES, RULES


@dataclass(frozen=True)
class Job:
    """What was done, all of it in one trace, and the answer's headers."""

    trace_id: str
    task_id: str
    service_id: str
    headers: dict[str, str]


@pytest.fixture(scope="module")
def job(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    trace = TraceContext(secrets.token_hex(16), secrets.token_hex(8), "01")
    with platform.client() as client:
        client.http.headers["traceparent"] = str(trace)
        dataset_id = jobs.online_dataset(client, tmp_path_factory.mktemp("job"), jobs.two_topics(10), kind="text")
        task_id = jobs.start_task(client, dataset_id, jobs.preset(client, "text-naive-bayes"))
        task = jobs.ended_task(client, task_id)
        assert task["state"] == "STATE_FINISHED", task["error"]
        version = client.post(f"/api/v1/tasks/{task_id}:publish", {"model_name": f"seen-{trace.trace_id[:6]}"})
        service = jobs.running_service(client, version["id"])
        text = base64.b64encode("球队 比赛".encode()).decode()
        answer = client.http.post(
            f"/api/v1/services/{service['id']}:predict", json={"instances": [{"inputs": _inputs(service, text)}]}
        )
        assert answer.is_success, answer.text
        yield Job(trace.trace_id, task_id, service["id"], dict(answer.headers))
        client.post(f"/api/v1/services/{service['id']}:stop")


def _inputs(service: dict[str, Any], text: str) -> dict[str, str]:
    (parameter,) = service["interface"]["parameters"]
    return {parameter["name"]: base64.b64decode(text).decode() if parameter["type"] == "text" else text}


@pytest.fixture(scope="module")
def metrics(platform: Platform, job: Job) -> dict[str, str]:
    """What each process exports after the job."""
    ports = {process.name: METRICS_OFFSET + index for index, process in enumerate(PROCESSES)}
    ports["triton"] = PORT_OFFSETS["triton-metrics"]
    return {name: promql.exported(f"127.0.0.1:{platform.port_base + offset}") for name, offset in ports.items()}


def test_every_metric_that_dashboard_and_alerts_read_exists(metrics: dict[str, str]) -> None:
    existing = {name for text in metrics.values() for name in promql.series_in(text)}
    read = {name for query in (*QUERIES, *(rule["expr"] for rule in RULES)) for name in promql.metrics_in(query)}
    assert len(read) > 60
    assert read - existing == set()


def test_processes_tell_of_themselves(metrics: dict[str, str]) -> None:
    for process in PROCESSES:
        text = metrics[process.name]
        assert promql.value(text, "process_resident_memory_bytes") > 10e6
        assert promql.value(text, "modelyard_build_info") == 1


def test_numbers_of_the_job(platform: Platform, metrics: dict[str, str]) -> None:
    assert promql.value(metrics["gateway"], "modelyard_http_requests_total") > 5
    assert promql.value(metrics["gateway"], "modelyard_upload_bytes_total") > 100
    assert promql.value(metrics["dataset"], "modelyard_import_files_total") >= 20
    assert promql.value(metrics["trainer"], 'modelyard_rpc_duration_seconds_count{code="OK"') > 3
    assert promql.value(metrics["trainer"], "modelyard_events_published_total") >= 3
    assert promql.value(metrics["trainer-events"], "modelyard_events_handled_total") >= 2
    assert promql.value(metrics["scheduler"], "modelyard_workload_phase_duration_seconds_count") >= 3
    assert promql.value(metrics["agent"], "modelyard_agent_log_bytes_total") > 10
    assert promql.value(metrics["serving"], "modelyard_prediction_duration_seconds_count") >= 1
    assert promql.value(metrics["serving"], "modelyard_model_load_duration_seconds_count") >= 1
    assert promql.value(metrics["dataset"], "modelyard_object_store_request_duration_seconds_count") > 3
    assert promql.value(metrics["trainer"], "modelyard_mongodb_command_duration_seconds_count") > 10


def test_the_holder_of_the_lease_counts_the_whole(platform: Platform, job: Job) -> None:
    def counted(process: str) -> str:
        index = [one.name for one in PROCESSES].index(process)
        return promql.exported(f"127.0.0.1:{platform.port_base + METRICS_OFFSET + index}")

    # Counted every 10 s.
    eventually(lambda: promql.value(counted("trainer"), 'modelyard_tasks{state="published"}') >= 1, timeout=60)
    eventually(lambda: promql.value(counted("scheduler"), "modelyard_node_capacity_cores") > 0, timeout=60)
    eventually(lambda: promql.value(counted("serving"), 'modelyard_services{state="running"}') >= 1, timeout=60)
    # The count that saw the published task may have seen its last events on their way.
    eventually(lambda: promql.value(counted("trainer"), 'modelyard_outbox_unsent{service="trainer"}') == 0, timeout=60)
    trainer = counted("trainer")
    assert promql.value(trainer, 'modelyard_event_queue_consumers{queue="trainer-events.scheduler.v1"}') == 1
    assert promql.value(trainer, 'modelyard_control_lease_held{service="trainer"}') == 1


_HTTP = ("GET ", "POST ", "PATCH ", "HEAD ", "DELETE ")


def found_spans(collector: Collector, job: Job) -> list[Span]:
    """All spans of the job's trace, once the last of them have come and all but requests have their parents."""
    last = {"algorithm", "trainer.judge", "serving.load", "triton.infer", "process workload.exited"}

    def complete() -> list[Span]:
        spans = collector.trace(job.trace_id)
        known = {span.span_id for span in spans}
        lost = [span for span in spans if span.parent_id not in known and not span.name.startswith(_HTTP)]
        return spans if last <= {span.name for span in spans} and not lost else []

    return eventually(complete, timeout=60)


def test_one_trace_from_the_request_to_the_algorithm(collector: Collector, job: Job) -> None:
    spans = found_spans(collector, job)
    print(tree(spans))
    by_id = {span.span_id: span for span in spans}

    def path(span: Span) -> list[str]:
        names = [f"{span.service}: {span.name}"]
        while (parent := by_id.get(span.parent_id)) is not None:
            span = parent
            names.insert(0, f"{span.service}: {span.name}")
        return names

    (algorithm,) = [span for span in spans if span.name == "algorithm"]
    assert path(algorithm) == [
        "gateway: POST /api/v1/tasks",
        "gateway: modelyard.trainer.v1.TaskService/CreateTask",
        "trainer: modelyard.trainer.v1.TaskService/CreateTask",
        "trainer: transaction",
        "trainer: trainer.submit",
        "trainer: modelyard.scheduler.v1.WorkloadService/SubmitWorkload",
        "scheduler: modelyard.scheduler.v1.WorkloadService/SubmitWorkload",
        "scheduler: transaction",
        "scheduler-agent: agent.start",
        "scheduler-agent: algorithm",
    ]
    assert algorithm.attributes["run_id"] == f"{job.task_id}-1"
    assert algorithm.ended > algorithm.began
    assert not algorithm.failed
    workload_id = algorithm.attributes["modelyard.workload_id"]
    (consumed,) = [
        span
        for span in spans
        if (span.service, span.name) == ("trainer-events", "process workload.exited")
        and by_id[span.parent_id].attributes["modelyard.subject"] == f"workload/{workload_id}"
    ]
    assert path(consumed)[-5:] == [
        "scheduler-agent: modelyard.scheduler.v1.AgentService/ReportState",
        "scheduler: modelyard.scheduler.v1.AgentService/ReportState",
        "scheduler: transaction",
        "scheduler: publish workload.exited",
        "trainer-events: process workload.exited",
    ]
    names = {span.name for span in spans}
    assert {"agent.stage", "agent.collect", "scheduler.place", "dataset.import", "trainer.judge"} <= names


def test_an_answer_names_its_trace(job: Job) -> None:
    assert job.headers["x-request-id"] == job.trace_id
    assert job.headers["traceparent"].split("-")[1] == job.trace_id


def test_the_logs_of_a_task(platform: Platform, job: Job) -> None:
    printed = platform.embedded("logs", "--task", job.task_id, "--json")
    records = [json.loads(line) for line in printed.splitlines()]
    assert {"gateway", "trainer", "trainer-events", "scheduler", "agent"} <= {one["program"] for one in records}
    events = [one["event"] for one in records]
    for event in ("task.submitted", "workload.placed", "workload_process_started", "workload.exited", "task.finished"):
        assert event in events
    assert [one["timestamp"] for one in records] == sorted(one["timestamp"] for one in records)
    ours = [one for one in records if "trace_id" in one and one["event"] in ("task.submitted", "workload.exited")]
    assert ours
    assert {one["trace_id"] for one in ours} == {job.trace_id}
    by_trace = platform.embedded("logs", "--trace", job.trace_id)
    assert "workload_process_started" in by_trace
    assert "http_command" in by_trace


def test_the_algorithm_says_its_trace(platform: Platform, job: Job) -> None:
    with platform.client() as client:
        first = next(iter(client.lines(f"/api/v1/tasks/{job.task_id}/log")))
    assert f"trace_id={job.trace_id}" in first


def test_no_secret_is_in_the_logs(platform: Platform, job: Job) -> None:
    values = [value for name, value in platform.environment().items() if is_secret_name(name)]
    assert len(values) >= 4
    written = [path.read_text(errors="replace") for path in Path(platform.home, "logs").glob("*.log*")]
    assert sum(map(len, written)) > 10_000
    assert list(logs.read(platform.home / "logs"))
    for value in values:
        assert not any(value in text for text in written)

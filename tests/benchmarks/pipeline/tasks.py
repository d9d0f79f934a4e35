"""Tasks: how soon one starts on an idle platform, and how many no-op tasks come through in a second."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from deploy.embedded.settings import CHECKOUT
from services.gateway.client import Client
from services.gateway.client.api import JsonObject
from tests.benchmarks.pipeline import content, measure
from tests.benchmarks.pipeline.instance import Bench
from tests.support import jobs
from tests.support.polling import eventually

_TASKS = "/api/v1/tasks"
_SUBMITTERS = 4
_SMALL = {"cpu_millis": 100, "memory_bytes": 64 << 20}
# More memory than any real machine of this benchmark has: only the simulated node can take it.
_SIMULATED = {"cpu_millis": 1000, "memory_bytes": 256 << 30}
_SIMULATED_NODE = {
    "MODELYARD_AGENT_ENGINE": "simulated",
    "MODELYARD_AGENT_NAME": "simulated",
    "MODELYARD_AGENT_CPU_MILLIS": "1000000",
    "MODELYARD_AGENT_MEMORY_BYTES": str(16 << 40),
}
_LONGEST_S = 1200.0


def _task(bench: Bench, client: Client, resources: dict[str, int], name: str = "bench") -> JsonObject:
    if "no_op" not in bench.kept:
        bench.kept["no_op"] = content.no_op_algorithm(client, bench.folder)
        bench.kept["small"] = content.small_dataset(client, bench.folder)
    return {
        "name": name,
        "dataset_id": bench.kept["small"],
        "algorithm_id": bench.kept["no_op"],
        "train_share": 0.5,
        "resources": resources,
    }


def measure_submit_started(bench: Bench) -> dict[str, float]:
    """One task after the other on an idle platform, each from the request on, which also starts it.

    `submit_started_*` end when the client, which watches the task, hears that it runs; `submit_recorded_*` when the
    scheduler heard of the process (`started_at` of the workload).
    """
    seen, recorded = [], []
    with bench.client() as client:
        task = _task(bench, client, _SMALL)
        for _ in range(2):
            _started(client, task)  # warm-up
        for _ in range(bench.sizes.submissions):
            by_client, by_scheduler = _started(client, task)
            seen.append(by_client)
            recorded.append(by_scheduler)
    return {
        "submit_started_p50_s": measure.percentile(seen, 0.5),
        "submit_started_p99_s": measure.percentile(seen, 0.99),
        "submit_recorded_p50_s": measure.percentile(recorded, 0.5),
        "submit_recorded_p99_s": measure.percentile(recorded, 0.99),
    }


def _started(client: Client, task: JsonObject) -> tuple[float, float]:
    """Seconds until the client knew that it runs, and until the scheduler did; waits for the end."""
    began, began_wall = time.perf_counter(), time.time()
    task_id = client.post(_TASKS, task, start=True)["id"]
    by_client = 0.0
    for _, state in client.events(f"{_TASKS}/{task_id}:watch"):
        if not by_client and state["state"] not in ("STATE_WAITING", "STATE_DRAFT"):
            by_client = time.perf_counter() - began
    ended = jobs.ended_task(client, task_id)
    if ended["state"] != "STATE_FINISHED":
        raise RuntimeError(f"a no-op task ended {ended['state']}: {ended['error']}")
    workload = client.get(f"/api/v1/workloads/{ended['workload_id']}")
    return by_client, datetime.fromisoformat(workload["started_at"]).timestamp() - began_wall


def measure_processes(bench: Bench) -> dict[str, float]:
    """No-op tasks, each a real process in the sandbox, submitted as fast as the API takes them."""
    with bench.client() as client:
        task = _task(bench, client, _SMALL)
        _run_all(bench, client, task, 4)  # warm-up
        elapsed, used = _run_all(bench, client, task, bench.sizes.tasks)
    return {"tasks_per_s": bench.sizes.tasks / elapsed, "cpu_ms_per_task": 1000 * used / bench.sizes.tasks}


def measure_simulated(bench: Bench) -> dict[str, float]:
    """The same without processes: the simulated engine only writes the smallest valid output."""
    count = bench.sizes.simulated_tasks
    with bench.client() as client, _simulated_agent(bench, client):
        task = _task(bench, client, _SIMULATED)
        _run_all(bench, client, task, 4)
        elapsed, used = _run_all(bench, client, task, count)
    return {"tasks_per_s_sim": count / elapsed, "cpu_ms_per_task_sim": 1000 * used / count}


def _run_all(bench: Bench, client: Client, task: JsonObject, count: int) -> tuple[float, float]:
    """Seconds from the first submission until all are finished, and CPU seconds of the platform meanwhile."""
    before = _finished(client)
    pids = bench.processes()
    began, used = time.perf_counter(), measure.cpu_seconds(pids)
    with ThreadPoolExecutor(_SUBMITTERS) as pool:
        list(pool.map(partial(_submit, bench), [client.token] * _SUBMITTERS, [task] * _SUBMITTERS, _shares(count)))
    submitted = time.perf_counter() - began
    eventually(lambda: _finished(client) >= before + count, timeout=_LONGEST_S, interval=0.1)
    elapsed = time.perf_counter() - began
    used = measure.cpu_seconds(pids) - used
    measure.say(
        f"{count} tasks in {elapsed:.1f} s, all submitted after {submitted:.1f} s; the platform computed {used:.1f} s"
    )
    return elapsed, used


def _shares(count: int) -> list[int]:
    return [count // _SUBMITTERS + (at < count % _SUBMITTERS) for at in range(_SUBMITTERS)]


def _submit(bench: Bench, token: str, task: JsonObject, count: int) -> None:
    with Client(bench.url, token) as client:
        for _ in range(count):
            client.post(_TASKS, task, start=True)


def _finished(client: Client) -> int:
    for state in ("STATE_FAILED", "STATE_STOPPED"):
        if _count(client, state):
            raise RuntimeError(f"a no-op task is {state}")
    return _count(client, "STATE_FINISHED")


def _count(client: Client, state: str) -> int:
    return int(client.get(_TASKS, state=state, page_size=1)["total_size"])


@contextmanager
def _simulated_agent(bench: Bench, client: Client) -> Iterator[None]:
    environment = bench.process_environment(_SIMULATED_NODE | {"MODELYARD_AGENT_HOME": str(bench.folder / "simulated")})
    command = [sys.executable, "-m", "services.scheduler", "agent"]
    log = (bench.folder / "simulated.log").open("wb")
    with log, subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=log, stderr=log) as process:
        try:
            eventually(lambda: any(node["name"] == "simulated" for node in client.get("/api/v1/nodes")["nodes"]), 60)
            yield
        finally:
            process.terminate()

"""Training on the platform against the same script by hand."""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from deploy.embedded.settings import CHECKOUT, runtime_folder
from services.gateway.client import Client
from services.kernel.storage import bundles
from services.kernel.storage.blobs import iter_blob
from services.kernel.storage.objects import MinioStore
from services.kernel.values import BundleRef
from tests.benchmarks.pipeline import content, measure
from tests.benchmarks.pipeline.instance import Bench
from tests.support import jobs

_LONGEST_S = 3600.0
_CORES = 1


def trained_digits(bench: Bench, client: Client, epochs: int) -> str:
    """The id of a finished task that learned handwritten digits, with the preset; the last one is kept."""
    if "digits" not in bench.kept:
        bench.kept["digits"] = content.digits_dataset(client, bench.folder)
    task_id = jobs.start_task(
        client,
        bench.kept["digits"],
        jobs.preset(client, "image-classification"),
        parameters=json.dumps({"epochs": epochs}),
        resources={"cpu_millis": 1000 * _CORES, "memory_bytes": 2 << 30},
    )
    task = jobs.ended_task(client, task_id, timeout=_LONGEST_S)
    if task["state"] != "STATE_FINISHED":
        raise RuntimeError(f"the training ended {task['state']}: {task['error']}")
    bench.kept["trained"] = task_id
    return task_id


def measure_training(bench: Bench) -> dict[str, float]:
    """From the start of the process to the end of its task (output stored and judged), in multiples of the bare run."""
    with bench.client() as client:
        trained_digits(bench, client, 1)  # warm-up; it also leaves what the bare run reads
        work = _bare_folder(bench, client)
        on_platform, bare = measure.alternating(
            bench.sizes.rounds, lambda: _on_platform(bench, client), lambda: _bare(work, bench.sizes.epochs)
        )
    return {"training_vs_bare": on_platform / bare, "training_s": on_platform, "training_bare_s": bare}


def _on_platform(bench: Bench, client: Client) -> float:
    task = client.get(f"/api/v1/tasks/{trained_digits(bench, client, bench.sizes.epochs)}")
    workload = client.get(f"/api/v1/workloads/{task['workload_id']}")
    ended = datetime.fromisoformat(task["ended_at"])
    return (ended - datetime.fromisoformat(workload["started_at"])).total_seconds()


def _bare_folder(bench: Bench, client: Client) -> Path:
    """Code, data and split of the warm-up task as files, laid out as the contract says."""
    work = bench.folder / "bare"
    code = [sys.executable, "-m", "services.algorithm.packaging", "services/algorithm/builtin/image_classification"]
    subprocess.run([*code, str(work / "code")], cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
    task = client.get(f"/api/v1/tasks/{bench.kept['trained']}")
    inputs = client.get(f"/api/v1/workloads/{task['workload_id']}")["spec"]["inputs"]
    store = MinioStore(bench.settings())
    data = next(item for item in inputs if item["path"] == "dataset")["bundle"]
    manifest = next(item for item in inputs if item["path"] == "dataset/manifest.json")["blob"]
    bundles.materialise(store, BundleRef(data["index"], int(data["files"]), int(data["bytes"])), work / "dataset")
    (work / "dataset" / "manifest.json").write_bytes(b"".join(iter_blob(store, manifest)))
    return work


def _bare(work: Path, epochs: int) -> float:
    """Run the script as a person would, with the threads that the platform gives it."""
    for name in ("output", "checkpoint"):
        shutil.rmtree(work / name, ignore_errors=True)
        (work / name).mkdir()
    (work / "params.json").write_text(json.dumps({"epochs": epochs}))
    threads = {name: str(_CORES) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(work),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_WAIT_POLICY": "passive",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": str(work / "code"),
        "MODELYARD_DATASET": str(work / "dataset"),
        "MODELYARD_PARAMS": str(work / "params.json"),
        "MODELYARD_OUTPUT": str(work / "output"),
        "MODELYARD_METRICS": str(work / "metrics.jsonl"),
        "MODELYARD_CHECKPOINT": str(work / "checkpoint"),
        **threads,
    }
    began = time.perf_counter()
    with (work / "log").open("wb") as log:
        command = [str(runtime_folder() / "bin" / "python"), "train.py"]
        subprocess.run(command, cwd=work / "code", env=environment, stdout=log, stderr=log, check=True)
    return time.perf_counter() - began

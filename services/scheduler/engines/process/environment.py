"""The variables that a run sees: the algorithm contract, and nothing of the platform's own."""

from pathlib import Path

from services.scheduler.domain import WorkloadSpec

_PATH = "/usr/local/bin:/usr/bin:/bin"


def contract(spec: WorkloadSpec, work: Path, checkpoint: Path, runtime_python: str, tmp: str) -> dict[str, str]:
    """The whole environment of a process whose working directory is `work`."""
    threads = str(max(spec.resources.cpu_millis // 1000, 1))
    given = {item.path.split("/", 1)[0] for item in spec.inputs}
    env = {
        "PATH": f"{Path(runtime_python).parent}:{_PATH}",
        "HOME": tmp,
        "TMPDIR": tmp,
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "29500",
    }
    if spec.resources.gpu_millis == 0:
        env["CUDA_VISIBLE_DEVICES"] = ""
    env |= spec.env
    env |= {
        "PYTHONPATH": str(work / "code"),
        "MODELYARD_OUTPUT": str(work / "output"),
        "MODELYARD_METRICS": str(work / "metrics.jsonl"),
        "MODELYARD_CHECKPOINT": str(checkpoint),
    }
    if "dataset" in given:
        env["MODELYARD_DATASET"] = str(work / "dataset")
    if "params.json" in given:
        env["MODELYARD_PARAMS"] = str(work / "params.json")
    return env

"""Steps of the main job for end-to-end tests, over the public API."""

import json
from pathlib import Path

from services.gateway.client import Client, upload_file
from services.gateway.client.api import JsonObject
from services.kernel.ids import new_id
from tests.support.archives import png_bytes, zip_bytes
from tests.support.polling import eventually

IMPORT_TIMEOUT_S = 60
TRAINING_TIMEOUT_S = 180


def upload(client: Client, folder: Path, content: bytes, name: str = "data.zip") -> str:
    path = folder / name
    path.write_bytes(content)
    return upload_file(client, path)


def create_dataset(client: Client, kind: str = "image", *, independent: bool = False) -> str:
    body = {
        "name": new_id("set"),
        "purpose": {"level1": kind, "level2": "classification"},
        "annotation_mode": "ANNOTATION_MODE_CLASSIFICATION",
        "format": "dir",
        "test_set_mode": "TEST_SET_MODE_INDEPENDENT" if independent else "TEST_SET_MODE_RATIO",
    }
    return str(client.post("/api/v1/datasets", body)["id"])


def import_archive(client: Client, dataset_id: str, upload_id: str) -> JsonObject:
    """Import and wait for the end; the data set as it is then."""
    client.post(f"/api/v1/datasets/{dataset_id}:import", {"upload_id": upload_id})
    return eventually(lambda: _settled(client, dataset_id), timeout=IMPORT_TIMEOUT_S)


def _settled(client: Client, dataset_id: str) -> JsonObject:
    dataset = client.get(f"/api/v1/datasets/{dataset_id}")
    return dataset if dataset["state"] in ("STATE_IMPORTED", "STATE_FAILED") else {}


def online_dataset(client: Client, folder: Path, files: dict[str, bytes], kind: str = "image") -> str:
    dataset_id = create_dataset(client, kind)
    dataset = import_archive(client, dataset_id, upload(client, folder, zip_bytes(files)))
    assert dataset["state"] == "STATE_IMPORTED", dataset["problems"]
    client.post(f"/api/v1/datasets/{dataset_id}:online")
    return dataset_id


def two_shades(count: int = 10) -> dict[str, bytes]:
    """Images of two classes that anybody can tell apart."""
    return {
        f"{name}/{at}.png": png_bytes(base + at) for name, base in (("dark", 20), ("light", 220)) for at in range(count)
    }


def two_topics(count: int = 10) -> dict[str, bytes]:
    """Texts of two classes."""
    texts = {"sport": "球队 比赛 进球 第{} 场", "money": "银行 股票 利率 第{} 季"}
    return {f"{name}/{at}.txt": text.format(at).encode() for name, text in texts.items() for at in range(count)}


def create_algorithm(
    client: Client, folder: Path, script: str, *, seconds: int = 60, properties: JsonObject | None = None
) -> str:
    """An algorithm of one script, online. `properties` are further parameters."""
    upload_id = upload_algorithm(client, folder, script, seconds=seconds, properties=properties)
    algorithm = client.post("/api/v1/algorithms", {"upload_id": upload_id})
    client.post(f"/api/v1/algorithms/{algorithm['id']}:online")
    return str(algorithm["id"])


def upload_algorithm(
    client: Client, folder: Path, script: str, *, seconds: int = 60, properties: JsonObject | None = None
) -> str:
    """The finished upload of an algorithm of one script."""
    definition = {
        "contract": 1,
        "name": new_id("alg").replace("-", "_"),
        "title": {"zh": "测试", "en": "Test"},
        "description": "For tests.",
        "version": "v1.0",
        "purpose": {"level1": "image", "level2": "classification"},
        "data": {"kind": "image", "format": "dir"},
        "training": {
            "command": "python main.py",
            "device": "cpu",
            "parameters": {
                "type": "object",
                "properties": {"seconds": {"type": "integer", "default": seconds}, **(properties or {})},
            },
        },
        "inference": {
            "framework": "onnx",
            "device": "cpu",
            "interface": {
                "name": "classify",
                "method": "POST",
                "format": "json",
                "parameters": [{"name": "image", "type": "image", "required": True, "description": "x"}],
                "returns": [{"name": "label", "type": "text", "description": "x"}],
            },
        },
    }
    files = {"algorithm.yaml": json.dumps(definition).encode(), "main.py": script.encode()}
    return upload(client, folder, zip_bytes(files), "a.zip")


def preset(client: Client, name: str) -> str:
    return str(client.get("/api/v1/algorithms", name=name)["algorithms"][0]["id"])


def start_task(client: Client, dataset_id: str, algorithm_id: str, **task: object) -> str:
    body = {"name": "t", "dataset_id": dataset_id, "algorithm_id": algorithm_id, "train_share": 0.8, **task}
    return str(client.post("/api/v1/tasks", body, start=True)["id"])


def ended_task(client: Client, task_id: str, timeout: float = TRAINING_TIMEOUT_S) -> JsonObject:
    ends = ("STATE_FINISHED", "STATE_FAILED", "STATE_STOPPED")

    def ended() -> JsonObject:
        task = client.get(f"/api/v1/tasks/{task_id}")
        return task if task["state"] in ends else {}

    return eventually(ended, timeout=timeout, interval=0.2)


def running_service(client: Client, model_version_id: str, load: int = 1, timeout: float = 200) -> JsonObject:
    service = client.post("/api/v1/services", {"name": new_id("svc"), "model_version_id": model_version_id})
    client.post(f"/api/v1/services/{service['id']}:start", {"load": load})
    return eventually(lambda: _running(client, service["id"], load), timeout=timeout, interval=0.2)


def _running(client: Client, service_id: str, load: int) -> JsonObject:
    service = client.get(f"/api/v1/services/{service_id}")
    assert service["state"] != "STATE_FAILED", service["error"]
    return service if service["state"] == "STATE_RUNNING" and service["actual_load"] == load else {}


def task_events(client: Client, task_id: str) -> list[str]:
    """Types of all events of a task so far, in order, without repetitions."""
    found: list[str] = []
    seen: set[str] = set()
    for _, event in client.events("/api/v1/events", last_id="0", types=["task.*"]):
        if event["subject"] == f"task/{task_id}" and event["id"] not in seen:
            seen.add(event["id"])
            found.append(event["type"])
            if event["type"] in ("task.finished", "task.failed", "task.stopped"):
                return found
    return found

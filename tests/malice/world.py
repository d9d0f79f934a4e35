"""Real things, made through the public API, for requests that should succeed."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from services.gateway.client import Client
from services.gateway.client.api import JsonObject
from services.kernel.ids import new_id
from tests.support import jobs
from tests.support.archives import png_bytes, zip_bytes
from tests.support.polling import eventually

QUICK_TRAINING = json.dumps({"epochs": 1, "img_size": 8, "augment": False})


@dataclass(frozen=True)
class World:
    """What there is: `task` is finished and published, `unpublished` only finished; the rest follows from them."""

    client: Client
    password: str
    folder: Path
    dataset: str
    algorithm: str
    quick_algorithm: str
    task: str
    unpublished: list[str]
    model: str
    model_version: str
    service: JsonObject

    @property
    def service_id(self) -> str:
        return str(self.service["id"])

    def image(self, shade: int) -> str:
        return base64.b64encode(png_bytes(shade)).decode()

    def answers_rightly(self) -> bool:
        """Whether the service tells a dark image from a light one."""
        body = {"instances": [{"inputs": {"image": self.image(shade)}} for shade in (25, 225)]}
        answer = self.client.post(f"/api/v1/services/{self.service_id}:predict", body)
        return [prediction["label"] for prediction in answer["predictions"]] == ["dark", "light"]

    def new_upload(self, content: bytes = b"") -> str:
        return jobs.upload(self.client, self.folder, content or zip_bytes(jobs.two_shades(3)), new_id("file"))

    def new_dataset(self) -> str:
        return jobs.create_dataset(self.client)

    def imported_dataset(self) -> str:
        dataset_id = self.new_dataset()
        dataset = jobs.import_archive(self.client, dataset_id, self.new_upload())
        assert dataset["state"] == "STATE_IMPORTED", dataset["problems"]
        return dataset_id

    def online_dataset(self) -> str:
        dataset_id = self.imported_dataset()
        self.client.post(f"/api/v1/datasets/{dataset_id}:online")
        return dataset_id

    def algorithm_upload(self) -> str:
        """The finished upload of an algorithm that is not registered yet."""
        return jobs.upload_algorithm(self.client, self.folder, "print('done')")

    def spare_model(self) -> str:
        """A model that no test needs, as far as there is one."""
        models = self.client.get("/api/v1/models")["models"]
        return next((str(model["id"]) for model in models if model["id"] != self.model), self.model_version)

    def node(self) -> str:
        return str(self.client.get("/api/v1/nodes")["nodes"][0]["id"])

    def workload(self) -> str:
        return str(self.client.get("/api/v1/workloads")["workloads"][0]["id"])

    def new_algorithm(self, script: str = "print('done')") -> str:
        """An algorithm that is online."""
        return jobs.create_algorithm(self.client, self.folder, script)

    def offline_algorithm(self) -> str:
        algorithm_id = self.new_algorithm()
        self.client.post(f"/api/v1/algorithms/{algorithm_id}:offline")
        return algorithm_id

    def draft_task(self) -> str:
        body = {
            "name": "draft",
            "dataset_id": self.dataset,
            "algorithm_id": self.quick_algorithm,
            "train_share": 0.8,
        }
        return str(self.client.post("/api/v1/tasks", body)["id"])

    def training_task(self) -> str:
        """A task whose training runs until it is stopped."""
        algorithm = jobs.create_algorithm(self.client, self.folder, "import time\nwhile True: time.sleep(1)")
        task_id = jobs.start_task(self.client, self.dataset, algorithm, time_limit_s=120)
        eventually(lambda: self.state_of(task_id) == "STATE_TRAINING", timeout=60)
        return task_id

    def state_of(self, task_id: str) -> str:
        return str(self.client.get(f"/api/v1/tasks/{task_id}")["state"])

    def new_service(self) -> str:
        """A service that is stopped."""
        body = {"name": new_id("svc"), "model_version_id": self.model_version}
        return str(self.client.post("/api/v1/services", body)["id"])


def make_world(client: Client, password: str, folder: Path) -> World:
    dataset = jobs.online_dataset(client, folder, jobs.two_shades(20))
    algorithm = jobs.preset(client, "image-classification")
    parameters = json.dumps({"epochs": 3, "img_size": 8, "augment": False})
    started = [jobs.start_task(client, dataset, algorithm, parameters=text) for text in (parameters, QUICK_TRAINING)]
    task, unpublished = (jobs.ended_task(client, task_id) for task_id in started)
    assert task["state"] == unpublished["state"] == "STATE_FINISHED", (task["error"], unpublished["error"])
    version = client.post(f"/api/v1/tasks/{task['id']}:publish", {"model_name": "shades"})
    return World(
        client=client,
        password=password,
        folder=folder,
        dataset=dataset,
        algorithm=algorithm,
        quick_algorithm=jobs.create_algorithm(client, folder, "print('done')"),
        task=str(task["id"]),
        unpublished=[str(unpublished["id"])],
        model=str(version["model_id"]),
        model_version=str(version["id"]),
        service=jobs.running_service(client, str(version["id"])),
    )

"""`make down` and `make up` in mid-training: the task ends finished, once."""

import json
from pathlib import Path

from tests.e2e.conftest import Platform
from tests.support import jobs
from tests.support.polling import eventually


def test_a_training_survives_a_restart(platform: Platform, tmp_path: Path) -> None:
    with platform.client() as client:
        dataset_id = jobs.online_dataset(client, tmp_path, jobs.two_shades(200))
        parameters = json.dumps({"epochs": 30, "img_size": 16})
        task_id = jobs.start_task(
            client, dataset_id, jobs.preset(client, "image-classification"), parameters=parameters
        )
        eventually(lambda: client.get(f"/api/v1/tasks/{task_id}")["progress"] > 0.05, timeout=90)
    platform.down()
    platform.up()
    assert "RUNNING" in platform.status()
    with platform.client() as client:
        task = jobs.ended_task(client, task_id)
        assert task["state"] == "STATE_FINISHED", task["error"]
        assert task["run_number"] == 1
        events = jobs.task_events(client, task_id)
        assert events.count("task.finished") == 1
        assert "task.failed" not in events

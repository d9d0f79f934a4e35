"""Broken and hostile input over the public API: a specific error each, and nothing left behind."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from services.gateway.client import ApiError, Client
from services.gateway.client.api import JsonObject
from tests.e2e.conftest import Platform
from tests.support import jobs
from tests.support.archives import png_bytes, zip_bytes
from tests.support.polling import eventually

GOOD = jobs.two_shades(3)


def whole(files: dict[str, bytes]) -> bytes:
    return zip_bytes({**GOOD, **files})


ARCHIVES: dict[str, tuple[bytes, str]] = {
    "empty file": (b"", "empty"),
    "empty archive": (zip_bytes({}), "empty"),
    "truncated": (zip_bytes(GOOD)[:-40], "archive"),
    "text called zip": (b"this is only a text\n" * 20, "archive"),
    "path traversal": (whole({"../../etc/passwd": b"x"}), r"\.\."),
    "absolute path": (whole({"/etc/passwd": b"x"}), "/etc/passwd"),
    "undecodable image": (whole({"dark/broken.png": b"\x89PNG no image"}), "dark/broken.png"),
    "class with one sample": (whole({"lonely/1.png": png_bytes()}), "lonely"),
    "one class only": (zip_bytes({f"a/{i}.png": png_bytes(i) for i in range(4)}), "class"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_bad_archive_fails_with_its_problems(client: Client, tmp_path: Path, name: str) -> None:
    content, expected = ARCHIVES[name]
    dataset_id = jobs.create_dataset(client)
    try:
        dataset = jobs.import_archive(client, dataset_id, jobs.upload(client, tmp_path, content))
        assert dataset["state"] == "STATE_FAILED"
        told = json.dumps(dataset["problems"], ensure_ascii=False)
        assert not dataset.get("version")
    except ApiError as refused:
        told = refused.message
    assert "Traceback" not in told
    assert re.search(expected, told), told
    with pytest.raises(ApiError):
        client.post(f"/api/v1/datasets/{dataset_id}:online")


@pytest.fixture(scope="module")
def shades(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> str:
    with platform.client() as client:
        return jobs.online_dataset(client, tmp_path_factory.mktemp("shades"), jobs.two_shades())


@pytest.mark.parametrize(
    ("parameters", "named"),
    [('{"epochs": 0}', "epochs"), ('{"epoch": 3}', "epoch"), ('{"epochs": "many"}', "epochs"), ("{", "parameters")],
)
def test_wrong_parameters_are_named(client: Client, shades: str, parameters: str, named: str) -> None:
    with pytest.raises(ApiError, match=named) as refused:
        jobs.start_task(client, shades, jobs.preset(client, "image-classification"), parameters=parameters)
    assert refused.value.http_status == 400


SCRIPTS: dict[str, tuple[str, dict[str, object], str, str]] = {
    "writes nothing": ("print('done')", {}, "OUTPUT_INVALID", "report.json"),
    "exits 3": ("import sys; print('no luck'); sys.exit(3)", {}, "ERROR", "exit code 3"),
    "killed for memory": (
        "data = []\nwhile True: data.append(bytearray(16 << 20))",
        {"resources": {"memory_bytes": 256 << 20}},
        "OUT_OF_MEMORY",
        "memory",
    ),
    "never ends": ("import time\nwhile True: time.sleep(1)", {"time_limit_s": 2}, "TIME_LIMIT", "2 s"),
    "report without scores": (
        "import os\nfile = open(os.environ['MODELYARD_OUTPUT'] + '/report.json', 'w')\n"
        'file.write(\'{"format": "modelyard-report/1"}\')',
        {},
        "OUTPUT_INVALID",
        "overall",
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_bad_algorithm_fails_its_task_with_the_reason(client: Client, tmp_path: Path, shades: str, name: str) -> None:
    script, settings, reason, told = SCRIPTS[name]
    algorithm_id = jobs.create_algorithm(client, tmp_path, script)
    task = jobs.ended_task(client, jobs.start_task(client, shades, algorithm_id, **settings))
    assert (task["state"], task["error_reason"]) == ("STATE_FAILED", reason), task["error"]
    assert told in task["error"]
    assert_nothing_is_in_use(client)


def test_a_hundred_megabytes_of_log_are_capped(client: Client, tmp_path: Path, shades: str) -> None:
    script = "line = 'x' * 1023\nfor _ in range(100 * 1024): print(line)"
    task_id = jobs.start_task(client, shades, jobs.create_algorithm(client, tmp_path, script))
    task = jobs.ended_task(client, task_id)
    assert task["error_reason"] == "OUTPUT_INVALID"
    size, last = 0, ""
    for line in client.lines(f"/api/v1/tasks/{task_id}/log"):
        size, last = size + len(line) + 1, line
    assert size < 25 << 20
    assert "limit" in last


def assert_nothing_is_in_use(client: Client) -> None:
    def free() -> bool:
        nodes: list[JsonObject] = client.get("/api/v1/nodes")["nodes"]
        allocated = [node.get("allocated") or {} for node in nodes if node["engine"] == "process"]
        used = [int(resources.get("cpu_millis", 0)) for resources in allocated]
        return bool(used) and not any(used)

    assert eventually(free, timeout=15)


REQUESTS: dict[str, tuple[Callable[[Client], object], str]] = {
    "bad name": (lambda c: c.post("/api/v1/datasets", {"name": "1-", "format": "dir"}), "name"),
    "unknown field": (lambda c: c.post("/api/v1/datasets", {"nam": "x"}), "nam"),
    "unknown query": (lambda c: c.get("/api/v1/tasks", sort="up"), "sort"),
    "bad page token": (lambda c: c.get("/api/v1/tasks", page_token="nonsense"), "page_token"),
    "unknown upload": (
        lambda c: c.post(f"/api/v1/datasets/{jobs.create_dataset(c)}:import", {"upload_id": "up-nothing"}),
        "up-nothing",
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_bad_request_names_the_field(client: Client, name: str) -> None:
    request, named = REQUESTS[name]
    with pytest.raises(ApiError, match=named) as refused:
        request(client)
    assert refused.value.http_status in (400, 404)


def test_a_stranger_gets_nothing(platform: Platform) -> None:
    with Client(platform.url) as stranger:
        for path in ("/api/v1/datasets", "/api/v1/tasks", "/api/v1/events", "/api/v1/nodes"):
            with pytest.raises(ApiError) as refused:
                stranger.get(path)
            assert refused.value.http_status == 401
        with pytest.raises(ApiError) as refused:
            stranger.sign_in("admin", "wrong password")
        assert refused.value.http_status == 401

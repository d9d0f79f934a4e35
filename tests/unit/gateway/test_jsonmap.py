import json

import pytest

from protos.algorithm.v1 import algorithm_pb2
from protos.dataset.v1 import dataset_pb2
from protos.serving.v1 import serving_pb2
from protos.trainer.v1 import task_pb2
from services.gateway.http.jsonmap import Json, fill, parse_json, to_json
from services.kernel.errors import InvalidArgument


def violation(error: pytest.ExceptionInfo[InvalidArgument]) -> str:
    return error.value.violations[0].field


def test_reads_nested_messages_enums_maps_lists_and_numbers() -> None:
    request = task_pb2.CreateTaskRequest()
    fill(
        request,
        {
            "task": {
                "name": "digits",
                "visibility": "public",
                "state": "STATE_DRAFT",
                "seed": "9007199254740993",
                "timeLimitS": 60,
                "train_share": 0.9,
                "steps": [{"name": "read", "started_at": "2026-01-02T03:04:05Z"}],
                "resources": {"cpu_millis": 2000},
            },
            "start": True,
        },
    )
    assert request.task.visibility == 2
    assert request.task.state == task_pb2.Task.STATE_DRAFT
    assert request.task.seed == 9007199254740993
    assert request.task.time_limit_s == 60
    assert request.task.steps[0].started_at.ToJsonString() == "2026-01-02T03:04:05Z"
    assert request.task.resources.cpu_millis == 2000
    assert request.start

    predict = serving_pb2.PredictRequest()
    fill(predict, {"instances": [{"inputs": {"text": "数字"}}]})
    assert predict.instances[0].inputs["text"] == "数字"


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"tsk": {}}, "tsk"),
        ({"task": {"nam": "x"}}, "task.nam"),
        ({"task": {"name": 5}}, "task.name"),
        ({"task": {"name": ["x"]}}, "task.name"),
        ({"task": "x"}, "task"),
        ({"task": {"steps": {}}}, "task.steps"),
        ({"task": {"steps": [{"nme": "x"}]}}, "task.steps[0].nme"),
        ({"task": {"visibility": "secret"}}, "task.visibility"),
        ({"task": {"dataset_version": 2**31}}, "task.dataset_version"),
        ({"task": {"dataset_version": 1.5}}, "task.dataset_version"),
        ({"task": {"dataset_version": "x"}}, "task.dataset_version"),
        ({"task": {"seed": 2**63}}, "task.seed"),
        ({"start": "true"}, "start"),
        ({"start": 1}, "start"),
        ({"task": {"time_limit_s": 1, "timeLimitS": 2}}, "task.timeLimitS"),
        ([], "body"),
        ("x", "body"),
    ],
)
def test_names_the_field_that_is_wrong(value: Json, field: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        fill(task_pb2.CreateTaskRequest(), value)
    assert violation(error) == field


def test_wrong_time_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        fill(task_pb2.CreateTaskRequest(), {"task": {"started_at": "yesterday"}})


def test_map_values_are_checked() -> None:
    with pytest.raises(InvalidArgument) as error:
        fill(algorithm_pb2.Algorithm(), {"title": {"en": 5}})
    assert violation(error) == "title.en"


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 100_000, b"{'a': 1}", b'{"a": 1} x']
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidArgument):
        parse_json(body)


def test_writes_defaults_snake_case_and_long_numbers_as_text() -> None:
    written = json.loads(to_json(dataset_pb2.ListDatasetsResponse(total_size=2**60)))
    assert written == {"datasets": [], "next_page_token": "", "total_size": str(2**60)}
    dataset = json.loads(to_json(dataset_pb2.Dataset(state=dataset_pb2.Dataset.STATE_IMPORTED, name="数")))
    assert dataset["state"] == "STATE_IMPORTED"
    assert dataset["name"] == "数"
    assert dataset["online"] is False
    assert "version" not in dataset

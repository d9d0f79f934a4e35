import pytest

from protos.dataset.v1 import dataset_pb2
from protos.event.v1 import event_pb2
from protos.trainer.v1 import task_pb2
from services.gateway.http.query import fill_from_query, parse_query, set_path
from services.kernel.errors import InvalidArgument

NOTHING: frozenset[str] = frozenset()


def test_scalars_enums_and_booleans() -> None:
    request = dataset_pb2.ListDatasetsRequest()
    fill_from_query(request, parse_query(b"page_size=20&pageToken=a%2Bb&state=imported&online=true"), taken=NOTHING)
    assert (request.page_size, request.page_token, request.online) == (20, "a+b", True)
    assert request.state == dataset_pb2.Dataset.STATE_IMPORTED


def test_enum_in_full() -> None:
    request = dataset_pb2.ListDatasetsRequest()
    fill_from_query(request, [("state", "STATE_FAILED")], taken=NOTHING)
    assert request.state == dataset_pb2.Dataset.STATE_FAILED


def test_repeated() -> None:
    request = event_pb2.SubscribeRequest()
    fill_from_query(request, parse_query(b"types=dataset.*&types=task.started"), taken=NOTHING)
    assert list(request.types) == ["dataset.*", "task.started"]


def test_nested_names_times_and_masks() -> None:
    request = task_pb2.UpdateTaskRequest()
    pairs = parse_query(b"task.name=x&task.started_at=2026-01-02T03:04:05Z&update_mask=name,train_share&task.seed=-5")
    fill_from_query(request, pairs, taken=NOTHING)
    assert request.task.name == "x"
    assert request.task.seed == -5
    assert request.task.started_at.seconds == 1767323045
    assert list(request.update_mask.paths) == ["name", "train_share"]


@pytest.mark.parametrize(
    "query",
    [
        "nme=x",
        "page_size=x",
        "page_size=1&page_size=2",
        "page_size=1.5",
        "page_size=2147483648",
        "online=perhaps",
        "state=nothing",
        "page_size.x=1",
        "id=1",
    ],
)
def test_refuses_and_names_the_parameter(query: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        fill_from_query(dataset_pb2.ListDatasetsRequest(), parse_query(query.encode()), taken=NOTHING)
    assert error.value.violations[0].field == query.partition("=")[0]


def test_fields_of_the_path_are_no_parameters() -> None:
    with pytest.raises(InvalidArgument):
        fill_from_query(dataset_pb2.ListSamplesRequest(), [("id", "ds-2")], taken=frozenset({"id"}))


def test_bad_escapes_and_too_many_parameters() -> None:
    with pytest.raises(InvalidArgument):
        parse_query(b"a=%ff")
    with pytest.raises(InvalidArgument):
        parse_query(b"&".join(b"a=1" for _ in range(300)))


def test_path_values_are_typed() -> None:
    request = task_pb2.ListTaskMetricsRequest()
    set_path(request, "after", "12")
    assert request.after == 12
    with pytest.raises(InvalidArgument):
        set_path(request, "after", "x")

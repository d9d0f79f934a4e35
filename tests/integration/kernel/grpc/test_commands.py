"""What stands around a unary call: identity, constraints, one transaction, the memory of answers, errors."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from protos.dataset.v1 import dataset_pb2, dataset_pb2_grpc
from services.kernel import tokens
from services.kernel.context import Caller, acting_as, with_trace
from services.kernel.errors import Conflict, Internal, InvalidArgument, Unavailable
from services.kernel.grpc import CALLER_KEY, client
from services.kernel.grpc.status import from_rpc_error
from services.kernel.ids import new_id
from tests.integration.kernel.grpc.conftest import Bench
from tests.integration.kernel.grpc.proxy import CutWire


def creation(description: str = "", request_id: str = "", name: str = "digits") -> dataset_pb2.CreateDatasetRequest:
    dataset = dataset_pb2.Dataset(name=name, description=description, format="dir")
    dataset.purpose.level1, dataset.purpose.level2 = "image", "classification"
    return dataset_pb2.CreateDatasetRequest(dataset=dataset, request_id=request_id)


@pytest.mark.parametrize("description", ["refuse", "crash"])
@pytest.mark.parametrize("request_id", ["", "given"])
def test_a_command_that_fails_leaves_nothing(bench: Bench, description: str, request_id: str) -> None:
    with pytest.raises((Conflict, Internal)):
        bench.rpc.CreateDataset(creation(description, request_id and new_id("rq")))
    assert bench.datasets.effects() == 0


def test_a_failed_command_is_not_remembered(bench: Bench) -> None:
    request_id = new_id("rq")
    for _ in range(2):
        with pytest.raises(Conflict) as caught:
            bench.rpc.CreateDataset(creation("refuse", request_id))
        assert caught.value.reason == "REFUSED"


def test_concurrent_duplicates_do_their_work_once(bench: Bench) -> None:
    request_id = new_id("rq")

    def create(_: int) -> str:
        with acting_as(Caller("ann")):
            return bench.rpc.CreateDataset(creation(request_id=request_id), timeout=30).id

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(create, range(8)))
    assert len(ids) == bench.datasets.effects() == 1


def test_a_request_id_belongs_to_one_request_of_one_caller(bench: Bench) -> None:
    request_id = new_id("rq")
    first = bench.rpc.CreateDataset(creation(request_id=request_id))
    with pytest.raises(InvalidArgument) as caught:
        bench.rpc.CreateDataset(creation(request_id=request_id, name="letters"))
    assert (caught.value.reason, caught.value.violations[0].field) == ("REQUEST_ID_REUSED", "request_id")
    with acting_as(Caller("bob")):
        assert bench.rpc.CreateDataset(creation(request_id=request_id)).id != first.id


def test_a_command_whose_answer_is_lost_is_done_once(bench: Bench) -> None:
    host, port = bench.settings.dataset_grpc.split(":")
    wire = CutWire((host, int(port)))
    settings = bench.settings.model_copy(update={"dataset_grpc": wire.address})
    with client.connect(settings, "dataset", as_service="test") as channel:
        rpc = dataset_pb2_grpc.DatasetServiceStub(channel)
        rpc.GetDataset(dataset_pb2.GetDatasetRequest(id="caller"))
        wire.lose_answer(lambda: bench.datasets.effects() == 1)
        request = creation()
        assert rpc.CreateDataset(request).id
        assert request.request_id == "", "the caller's request must not change"
    wire.close()
    assert wire.lost == 1
    assert bench.datasets.effects() == 1


def test_constraints_stand_before_the_method(bench: Bench) -> None:
    with pytest.raises(InvalidArgument) as caught:
        bench.rpc.CreateDataset(creation(name="9 lives"))
    assert [violation.field for violation in caught.value.violations] == ["dataset.name"]
    assert bench.datasets.effects() == 0


def test_an_error_arrives_with_its_details(bench: Bench) -> None:
    with pytest.raises(Conflict) as caught:
        bench.rpc.CreateDataset(creation("refuse"))
    assert (caught.value.message, caught.value.reason, caught.value.metadata) == ("No.", "REFUSED", {"k": "v"})


def test_an_unknown_error_tells_only_where_to_look(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    with with_trace("") as traceparent, pytest.raises(Internal) as caught:
        bench.rpc.CreateDataset(creation("crash"))
    trace_id = traceparent.split("-")[1]
    assert caught.value.metadata == {"trace_id": trace_id}
    assert trace_id in caught.value.message
    assert "secret" not in f"{caught.value.message}{caught.value.__cause__}"
    out, err = capfd.readouterr()
    assert "secret" in out + err, "the log has to say what happened"


def test_a_query_cut_off_from_the_database_may_be_repeated(bench: Bench) -> None:
    with pytest.raises(Unavailable) as caught:
        bench.rpc.GetDataset(dataset_pb2.GetDatasetRequest(id="cut"))
    assert caught.value.reason == "DATABASE_AWAY"


@pytest.mark.parametrize("description", ["long", "surrogate"])
def test_any_text_arrives_as_the_error_that_it_is(bench: Bench, description: str) -> None:
    """Also at a client that takes no more than the usual 8 KiB of trailers."""
    rpc = dataset_pb2_grpc.DatasetServiceStub(bench.channel)
    with pytest.raises(grpc.RpcError) as caught:
        rpc.CreateDataset(creation(description))
    error = from_rpc_error(caught.value)
    assert isinstance(error, InvalidArgument), error
    assert error.message
    assert error.violations or description != "long"


def test_caller_and_trace_go_along(bench: Bench) -> None:
    with with_trace("") as traceparent:
        told = bench.rpc.GetDataset(dataset_pb2.GetDatasetRequest(id="caller"))
    assert told.owner == "ann"
    assert told.description.split("-")[1] == traceparent.split("-")[1]
    with acting_as(Caller("")):
        assert bench.rpc.GetDataset(dataset_pb2.GetDatasetRequest(id="caller")).owner == "service:test"


@pytest.mark.parametrize("kind", ["forged", "expired", "garbage"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_token_that_is_not_valid_is_refused(bench: Bench, kind: str, stream: bool) -> None:
    key = bench.settings.token_key.get_secret_value()
    admin = Caller("eve", roles=frozenset({"admin"}))
    token = {
        "forged": tokens.sign(admin, "another key, of 32 letters or more."),
        "expired": tokens.sign(admin, key, ttl_s=-60),
        "garbage": "x.y.z",
    }[kind]
    rpc = dataset_pb2_grpc.DatasetServiceStub(bench.channel)
    with pytest.raises(grpc.RpcError) as caught:
        if stream:
            next(rpc.WatchDataset(dataset_pb2.WatchDatasetRequest(id="wait"), metadata=((CALLER_KEY, token),)))
        else:
            rpc.GetDataset(dataset_pb2.GetDatasetRequest(id="caller"), metadata=((CALLER_KEY, token),))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert from_rpc_error(caught.value).reason == "TOKEN_INVALID"

import contextlib
import threading
import time
from collections.abc import Iterator

import grpc
import httpx
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from tritonclient.grpc import service_pb2, service_pb2_grpc

from protos.dataset.v1 import dataset_pb2, dataset_pb2_grpc
from protos.event.v1 import event_pb2, event_pb2_grpc
from protos.identity.v1 import identity_pb2, identity_pb2_grpc
from protos.scheduler.v1 import workload_pb2, workload_pb2_grpc
from protos.serving.v1 import serving_pb2
from services.gateway.eventlog import models
from services.kernel.traffic import HOUR_S, REPORT_EVERY_S
from tests.integration.gateway.conftest import PASSWORD, Running
from tests.integration.gateway.fake_triton import DIED
from tests.integration.gateway.test_events import event
from tests.support.polling import eventually


@pytest.fixture
def channel(gateway: Running) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(gateway.settings.gateway_grpc) as opened:
        yield opened


@pytest.fixture
def token(gateway: Running) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {gateway.token}"),)


Token = tuple[tuple[str, str], ...]


def details(error: grpc.RpcError) -> status_pb2.Status:
    trailers: dict[str, str | bytes] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]
    return status_pb2.Status.FromString(trailers["grpc-status-details-bin"])


def test_sign_in_then_call(gateway: Running, channel: grpc.Channel) -> None:
    session = identity_pb2_grpc.IdentityServiceStub(channel).CreateSession(
        identity_pb2.CreateSessionRequest(user_name="admin", password=PASSWORD)
    )
    metadata = (("authorization", f"Bearer {session.token}"),)
    stub = dataset_pb2_grpc.DatasetServiceStub(channel)
    assert stub.GetDataset(dataset_pb2.GetDatasetRequest(id="ds-1"), metadata=metadata).etag == "7"
    assert gateway.datasets.callers[-1] == "admin"


def test_without_token(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as error:
        dataset_pb2_grpc.DatasetServiceStub(channel).GetDataset(dataset_pb2.GetDatasetRequest(id="ds-1"))
    assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    "path", ["/modelyard.dataset.v1.DatasetService/GetDataset", "/inference.GRPCInferenceService/ModelInfer"]
)
def test_callers_are_admitted_before_their_request_is_read(channel: grpc.Channel, token: Token, path: str) -> None:
    never = threading.Event()

    def nothing() -> Iterator[bytes]:
        never.wait(20)
        yield from ()

    call: grpc.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(path)
    found: list[str] = []
    for metadata in ((), token):
        with pytest.raises(grpc.RpcError) as error:
            call(nothing(), metadata=metadata, timeout=15)
        found.append(str(error.value.details()))
    never.set()
    with pytest.raises(grpc.RpcError) as error:
        call(iter(()), metadata=token, timeout=15)
    found.append(str(error.value.details()))
    assert found[0].startswith("Sign in first")
    assert found[1:] == ["The request message did not come in time.", "The request message is missing."]


def test_error_details_pass(channel: grpc.Channel, token: Token) -> None:
    stub = dataset_pb2_grpc.DatasetServiceStub(channel)
    with pytest.raises(grpc.RpcError) as error:
        stub.GetDataset(dataset_pb2.GetDatasetRequest(id="ds-9"), metadata=token)
    assert error.value.code() is grpc.StatusCode.NOT_FOUND
    assert error.value.details() == "ds-9 does not exist."
    info = error_details_pb2.ErrorInfo()
    assert details(error.value).details[0].Unpack(info)
    assert (info.reason, dict(info.metadata)) == ("DATASET_NOT_FOUND", {"id": "ds-9"})


def test_streams_pass_with_their_errors(channel: grpc.Channel, token: Token) -> None:
    stub = dataset_pb2_grpc.DatasetServiceStub(channel)
    assert [one.etag for one in stub.WatchDataset(dataset_pb2.WatchDatasetRequest(id="ds-1"), metadata=token)] == [
        "0",
        "1",
        "2",
    ]
    seen: list[dataset_pb2.Dataset] = []
    with pytest.raises(grpc.RpcError) as error:
        seen.extend(stub.WatchDataset(dataset_pb2.WatchDatasetRequest(id="ds-breaks"), metadata=token))
    assert error.value.code() is grpc.StatusCode.ABORTED
    assert details(error.value).message == "It broke in the middle."


def test_cancellation_reaches_the_service(gateway: Running, channel: grpc.Channel, token: Token) -> None:
    stub = dataset_pb2_grpc.DatasetServiceStub(channel)
    stream = stub.WatchDataset(dataset_pb2.WatchDatasetRequest(id="ds-forever-cancelled"), metadata=token)
    assert next(stream).etag == "0"
    assert "ds-forever-cancelled" not in gateway.datasets.ended
    stream.cancel()
    assert eventually(lambda: "ds-forever-cancelled" in gateway.datasets.ended)


def test_deadlines_pass(channel: grpc.Channel, token: Token) -> None:
    stub = dataset_pb2_grpc.DatasetServiceStub(channel)
    with pytest.raises(grpc.RpcError) as error:
        stub.GetDataset(dataset_pb2.GetDatasetRequest(id="ds-slow"), metadata=token, timeout=0.5)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_what_is_not_published_is_not_there(channel: grpc.Channel, token: Token) -> None:
    for path in (
        "/modelyard.scheduler.v1.AgentService/Heartbeat",
        "/modelyard.dataset.v1.DatasetService/PrepareTrainingData",
        "/modelyard.nothing.v1.Nothing/Nothing",
    ):
        with pytest.raises(grpc.RpcError) as error:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(path)
            call(b"", metadata=token)
        assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
    with pytest.raises(grpc.RpcError) as error:
        workload_pb2_grpc.WorkloadServiceStub(channel).SubmitWorkload(
            workload_pb2.SubmitWorkloadRequest(), metadata=token
        )
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_service_that_is_away(channel: grpc.Channel, token: Token) -> None:
    with pytest.raises(grpc.RpcError) as error:
        workload_pb2_grpc.NodeServiceStub(channel).ListNodes(workload_pb2.ListNodesRequest(), metadata=token)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "127.0.0.1" not in str(error.value.details())


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection(channel: grpc.Channel, version: str) -> None:
    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="modelyard.dataset.v1.DatasetService"),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="inference.GRPCInferenceService"),
    ]
    listed, datasets, inference = call(iter(asked))
    names = {service.name for service in listed.list_services_response.service}
    assert {"modelyard.dataset.v1.DatasetService", "inference.GRPCInferenceService", "grpc.health.v1.Health"} <= names
    assert not any("Agent" in name for name in names)
    assert datasets.file_descriptor_response.file_descriptor_proto
    assert inference.file_descriptor_response.file_descriptor_proto


def test_health(channel: grpc.Channel) -> None:
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_events(gateway: Running, channel: grpc.Channel, token: Token) -> None:
    start = str(models.last_cursor())
    stub = event_pb2_grpc.EventServiceStub(channel)
    stream = stub.Subscribe(event_pb2.SubscribeRequest(cursor=start, types=["task.*"]), metadata=token, timeout=20)
    models.append([event("dataset.onlined"), event("task.started")])
    found = next(stream)
    assert found.type == "task.started"
    stream.cancel()


def test_inference_over_grpc(channel: grpc.Channel, token: Token) -> None:
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    answer = stub.ModelInfer(service_pb2.ModelInferRequest(model_name="svc-1", id="7"), metadata=token)
    assert (answer.model_name, answer.id) == ("svc-1", "m-1:7")
    assert list(answer.raw_output_contents) == [b"\x01\x02"]
    assert stub.ServerLive(service_pb2.ServerLiveRequest(), metadata=token).live
    for call, request, code in (
        (stub.ModelInfer, service_pb2.ModelInferRequest(model_name="svc-1", id="wrong"), "INVALID_ARGUMENT"),
        (stub.ModelInfer, service_pb2.ModelInferRequest(model_name="svc-1", id="died"), "UNAVAILABLE"),
        (stub.ModelInfer, service_pb2.ModelInferRequest(model_name="m-1"), "NOT_FOUND"),
        (stub.RepositoryModelUnload, service_pb2.RepositoryModelUnloadRequest(), "UNIMPLEMENTED"),
        (stub.SystemSharedMemoryRegister, service_pb2.SystemSharedMemoryRegisterRequest(), "UNIMPLEMENTED"),
        (stub.TraceSetting, service_pb2.TraceSettingRequest(), "UNIMPLEMENTED"),
    ):
        with pytest.raises(grpc.RpcError) as error:
            call(request, metadata=token)
        assert error.value.code().name == code
    with pytest.raises(grpc.RpcError) as error:
        stub.ModelInfer(service_pb2.ModelInferRequest(model_name="svc-1"))
    assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_inference_as_a_stream_over_grpc(channel: grpc.Channel, token: Token) -> None:
    infer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer
    requests = [service_pb2.ModelInferRequest(model_name="svc-1", id=number) for number in "12"]
    answers = [one.infer_response for one in infer(iter(requests), metadata=token, timeout=20)]
    assert [(one.model_name, one.id) for one in answers] == [("svc-1", "m-1:1"), ("svc-1", "m-1:2")]
    with pytest.raises(grpc.RpcError) as error:
        next(infer(iter([service_pb2.ModelInferRequest(model_name="svc-9")]), metadata=token, timeout=20))
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


def test_inference_over_http(gateway: Running, http: httpx.Client) -> None:
    body = b'{"inputs": []}\x00\x01\x02'
    headers = {"Inference-Header-Content-Length": "14", "Content-Type": "application/octet-stream"}
    answer = http.post("/v2/models/svc-1/infer", content=body, headers=headers)
    assert answer.content == b"/v2/models/m-1/infer|" + body
    died = http.post("/v2/models/svc-1/infer", content=b"died", headers=headers)
    assert (died.status_code, died.json()) == (503, {"error": DIED})
    assert answer.headers["inference-header-content-length"] == "14"
    assert http.get("/v2/models/svc-1").json() == {"name": "svc-1", "platform": "onnx"}
    assert http.get("/v2/models/svc-1/ready").json() == {"path": "/v2/models/m-1/ready"}
    assert http.get("/v2/models/svc-2").status_code == 404
    assert http.get("/v2/health/live").status_code == 200
    assert http.post("/v2/repository/index", json={}).status_code == 404
    with gateway.client(signed_in=False) as client:
        assert client.post("/v2/models/svc-1/infer", json={}).status_code == 401
        assert client.get("/v2/health/ready").status_code == 200


def test_inference_is_counted_whatever_door_it_comes_by(
    gateway: Running, http: httpx.Client, channel: grpc.Channel, token: Token
) -> None:
    def told() -> serving_pb2.TrafficCell:
        return max(
            (cell for cell in gateway.servings.traffic if cell.width_s == HOUR_S),
            key=lambda cell: cell.answered + cell.refused + cell.failed,
            default=serving_pb2.TrafficCell(),
        )

    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    stub.ModelInfer(service_pb2.ModelInferRequest(model_name="svc-1"), metadata=token)
    time.sleep(2 * REPORT_EVERY_S)  # what the tests before asked for is told
    before = serving_pb2.TrafficCell.FromString(told().SerializeToString())
    for name in ("", "wrong", "died"):
        with contextlib.suppress(grpc.RpcError):
            stub.ModelInfer(service_pb2.ModelInferRequest(model_name="svc-1", id=name), metadata=token)
    requests = [service_pb2.ModelInferRequest(model_name="svc-1") for _ in range(2)]
    assert len(list(stub.ModelStreamInfer(iter(requests), metadata=token, timeout=20))) == 2
    for body in (b"{}", b"died"):
        http.post("/v2/models/svc-1/infer", content=body)
    http.post("/v2/models/svc-9/infer", content=b"{}")
    stub.ModelReady(service_pb2.ModelReadyRequest(name="svc-1"), metadata=token)

    def grown() -> bool:
        now = told()
        return (now.answered - before.answered, now.refused - before.refused, now.failed - before.failed) == (4, 1, 2)

    eventually(grown, timeout=10)
    assert {cell.service_id for cell in gateway.servings.traffic} == {"svc-1"}
    assert sum(told().steps.values()) == told().answered


def test_open_streams_are_limited_over_grpc_and_http_together(
    gateway: Running, http: httpx.Client, channel: grpc.Channel, token: Token
) -> None:
    stub = dataset_pb2_grpc.DatasetServiceStub(channel)
    forever = dataset_pb2.WatchDatasetRequest(id="ds-forever")
    limit = gateway.settings.streams_per_caller
    streams: list[Iterator[dataset_pb2.Dataset]] = [stub.WatchDataset(forever, metadata=token) for _ in range(limit)]
    # Streams of the tests before may still be closing: then a few more fit in.
    assert eventually(lambda: is_refused(stub.WatchDataset(forever, metadata=token), streams, limit))
    refused = http.get("/api/v1/events")
    assert refused.status_code == 429
    assert refused.json()["error"]["details"][0]["reason"] == "TOO_MANY_STREAMS"
    infer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer
    with pytest.raises(grpc.RpcError) as error:
        next(infer(iter([service_pb2.ModelInferRequest(model_name="svc-1")]), metadata=token))
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    for stream in streams:
        stream.cancel()  # type: ignore[attr-defined]
    once = dataset_pb2.WatchDatasetRequest(id="ds-1")
    assert eventually(lambda: passes(stub.WatchDataset(once, metadata=token)))


def passes(stream: Iterator[dataset_pb2.Dataset]) -> bool:
    try:
        return next(stream).etag == "0"
    except grpc.RpcError:
        return False


def is_refused(stream: Iterator[dataset_pb2.Dataset], streams: list[Iterator[dataset_pb2.Dataset]], limit: int) -> bool:
    if passes(stream):
        streams.append(stream)
        assert len(streams) <= 2 * limit
        return False
    return True


def test_many_streams_at_once(gateway: Running, channel: grpc.Channel, token: Token) -> None:
    stub = dataset_pb2_grpc.DatasetServiceStub(channel)
    streams = [stub.WatchDataset(dataset_pb2.WatchDatasetRequest(id="ds-forever"), metadata=token) for _ in range(50)]
    firsts = [next(stream).etag for stream in streams]
    assert firsts == ["0"] * 50
    assert stub.GetDataset(dataset_pb2.GetDatasetRequest(id="ds-1"), metadata=token, timeout=5).etag == "7"
    for stream in streams:
        stream.cancel()
    assert threading.active_count() < 400

"""Upload, train, evaluate, publish and serve, over every door."""

import base64
import json
import zipfile
from pathlib import Path
from typing import Any

import grpc
import numpy
import pytest
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.http import InferenceServerClient, InferInput

from protos.event.v1 import event_pb2, event_pb2_grpc
from protos.serving.v1 import serving_pb2, serving_pb2_grpc
from services.gateway.client import ApiError, Client
from services.gateway.client.api import JsonObject
from tests.e2e.conftest import Platform
from tests.support import jobs
from tests.support.archives import png_bytes, zip_bytes
from tests.support.polling import eventually


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("job")


@pytest.fixture(scope="module")
def finished(platform: Platform, folder: Path) -> JsonObject:
    """A finished task of the image preset."""
    with platform.client() as client:
        dataset_id = jobs.online_dataset(client, folder, jobs.two_shades(20))
        parameters = json.dumps({"epochs": 3, "img_size": 8, "augment": False})
        task_id = jobs.start_task(
            client, dataset_id, jobs.preset(client, "image-classification"), parameters=parameters
        )
        task = jobs.ended_task(client, task_id)
        assert task["state"] == "STATE_FINISHED", task["error"]
        return task


@pytest.fixture(scope="module")
def service(platform: Platform, finished: JsonObject) -> JsonObject:
    """The published model of that task as a service of load 2."""
    with platform.client() as client:
        version = client.post(f"/api/v1/tasks/{finished['id']}:publish", {"model_name": "shades"})
        return jobs.running_service(client, version["id"], load=2)


def test_a_finished_task_has_report_metrics_and_log(client: Client, finished: JsonObject) -> None:
    report = client.get(f"/api/v1/tasks/{finished['id']}/report")
    assert report["classes"] == ["dark", "light"]
    assert int(report["test_samples"]) == 8
    assert len(report["confusion_matrix"]) == 2
    points = client.get(f"/api/v1/tasks/{finished['id']}/metrics", name="loss")["points"]
    assert points
    assert "\n".join(client.lines(f"/api/v1/tasks/{finished['id']}/log"))
    assert finished["progress"] == 1.0
    assert [step["state"] for step in finished["steps"]] == ["finished"] * len(finished["steps"])


def test_a_task_is_published_once(client: Client, finished: JsonObject, service: JsonObject) -> None:
    with pytest.raises(ApiError, match="published"):
        client.post(f"/api/v1/tasks/{finished['id']}:publish")
    version = client.get(f"/api/v1/modelVersions/{service['model_version_id']}")
    assert version["number"] == "1.01"
    assert version["provenance"]["task_id"] == finished["id"]


def test_model_and_service_tell_the_interface_of_their_algorithm(
    client: Client, finished: JsonObject, service: JsonObject
) -> None:
    algorithm = client.get(f"/api/v1/algorithms/{finished['algorithm_id']}")
    told = algorithm["inference"]["interface"]
    assert told["returns"].splitlines()[0].startswith("label (text): ")
    assert client.get(f"/api/v1/modelVersions/{service['model_version_id']}")["interface"] == told
    assert client.get(f"/api/v1/services/{service['id']}")["interface"] == told


def test_http_prediction(client: Client, service: JsonObject) -> None:
    body = {"instances": [{"inputs": {"image": base64.b64encode(png_bytes(shade)).decode()}} for shade in (25, 225)]}
    answer = client.post(f"/api/v1/services/{service['id']}:predict", body)
    assert [prediction["label"] for prediction in answer["predictions"]] == ["dark", "light"]


def test_grpc_prediction(platform: Platform, client: Client, service: JsonObject) -> None:
    request = serving_pb2.PredictRequest(
        id=service["id"],
        instances=[serving_pb2.Instance(inputs={"image": base64.b64encode(png_bytes(225)).decode()})],
    )
    with grpc.insecure_channel(platform.grpc_address) as channel:
        stub = serving_pb2_grpc.ServingServiceStub(channel)
        answer = stub.Predict(request, metadata=(("authorization", f"Bearer {client.token}"),))
    assert answer.predictions[0].label == "light"


def test_open_inference_protocol_over_http(platform: Platform, client: Client, service: JsonObject) -> None:
    assert client.http.get(f"{service['address']}/ready").is_success
    described = client.get(service["address"])["inputs"][0]
    tensor = InferInput(described["name"], [1 if size == -1 else size for size in described["shape"]], "BYTES")
    tensor.set_data_from_numpy(numpy.full(tensor.shape(), png_bytes(25), dtype=object))
    triton = InferenceServerClient(platform.url.removeprefix("http://"))
    answer = triton.infer(service["id"], [tensor], headers={"authorization": f"Bearer {client.token}"})
    assert answer.as_numpy("label").flatten().tolist() == [b"dark"]
    triton.close()


def test_open_inference_protocol_over_grpc(platform: Platform, client: Client, service: JsonObject) -> None:
    metadata = (("authorization", f"Bearer {client.token}"),)
    image = png_bytes(25)
    with grpc.insecure_channel(platform.grpc_address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        described = stub.ModelMetadata(service_pb2.ModelMetadataRequest(name=service["id"]), metadata=metadata)
        request = service_pb2.ModelInferRequest(model_name=service["id"])
        shape = [1 if size == -1 else size for size in described.inputs[0].shape]
        request.inputs.add(name=described.inputs[0].name, datatype="BYTES", shape=shape)
        request.raw_input_contents.append(len(image).to_bytes(4, "little") + image)
        answer = stub.ModelInfer(request, metadata=metadata)
    contents = dict(zip((output.name for output in answer.outputs), answer.raw_output_contents, strict=True))
    assert b"dark" in contents["label"]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"picture": "x"}, "picture"),
        ({}, "inputs"),
        ({"image": "not base64!"}, "base64"),
        ({"image": base64.b64encode(b"not an image").decode()}, "image"),
    ],
)
def test_a_bad_prediction_says_what_was_expected(
    client: Client, service: JsonObject, inputs: dict[str, str], expected: str
) -> None:
    with pytest.raises(ApiError, match=expected) as refused:
        client.post(f"/api/v1/services/{service['id']}:predict", {"instances": [{"inputs": inputs}]})
    assert refused.value.http_status == 400


@pytest.mark.parametrize(
    "change",
    [{"shape": [1, 2, 3]}, {"datatype": "FP32", "data": [1.0]}, {"name": "other"}],
    ids=["shape", "type", "name"],
)
def test_a_bad_inference_request_is_refused(client: Client, service: JsonObject, change: dict[str, object]) -> None:
    described = client.get(service["address"])["inputs"][0]
    shape = [1 if size == -1 else size for size in described["shape"]]
    data = [base64.b64encode(png_bytes()).decode()]
    tensor = {"name": described["name"], "shape": shape, "datatype": "BYTES", "data": data, **change}
    answer = client.http.post(f"{service['address']}/infer", json={"inputs": [tensor]})
    assert answer.status_code == 400
    assert answer.json()


def test_scale_stop_and_start_keep_the_address(client: Client, service: JsonObject) -> None:
    client.post(f"/api/v1/services/{service['id']}:stop")
    stopped = eventually(
        lambda: (s := client.get(f"/api/v1/services/{service['id']}"))["state"] == "STATE_STOPPED" and s, timeout=30
    )
    assert stopped["actual_load"] == 0
    with pytest.raises(ApiError, match="start"):
        client.post(f"/api/v1/services/{service['id']}:predict", {"instances": [{"inputs": {"image": "aaaa"}}]})
    client.post(f"/api/v1/services/{service['id']}:start", {"load": 2})
    again = eventually(
        lambda: (s := client.get(f"/api/v1/services/{service['id']}"))["state"] == "STATE_RUNNING" and s, timeout=60
    )
    assert again["address"] == service["address"]
    test_http_prediction(client, again)


def test_events_come_in_order_and_resume(client: Client, finished: JsonObject) -> None:
    types = jobs.task_events(client, finished["id"])
    assert types == ["task.created", "task.submitted", "task.started", "task.finished"]
    stream = client.events("/api/v1/events", last_id="0")
    cursor, first = next(stream)
    _, second = next(stream)
    _, resumed = next(client.events("/api/v1/events", last_id=cursor))
    assert first["id"] != second["id"] == resumed["id"]


def test_events_over_grpc(platform: Platform, client: Client, finished: JsonObject) -> None:
    request = event_pb2.SubscribeRequest(cursor="0", types=["dataset.onlined"])
    with grpc.insecure_channel(platform.grpc_address) as channel:
        stub = event_pb2_grpc.EventServiceStub(channel)
        stream = stub.Subscribe(request, metadata=(("authorization", f"Bearer {client.token}"),), timeout=20)
        event = next(stream)
        stream.cancel()
    assert event.type == "dataset.onlined"
    assert json.loads(event.data)["dataset"]["online"] is True


def test_a_client_without_protos_uses_reflection(platform: Platform, client: Client, finished: JsonObject) -> None:
    with grpc.insecure_channel(platform.grpc_address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert "modelyard.trainer.v1.TaskService" in database.get_services()
        pool = descriptor_pool.DescriptorPool(database)
        method = pool.FindServiceByName("modelyard.trainer.v1.TaskService").methods_by_name["GetTask"]
        request = message_factory.GetMessageClass(method.input_type)(id=finished["id"])
        call: Any = channel.unary_unary(
            "/modelyard.trainer.v1.TaskService/GetTask",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )
        task = call(request, metadata=(("authorization", f"Bearer {client.token}"),), timeout=10)
    assert task.name == finished["name"]


def test_texts_with_an_own_test_set(client: Client, tmp_path: Path) -> None:
    dataset_id = jobs.create_dataset(client, "text", independent=True)
    train = jobs.upload(client, tmp_path, zip_bytes(jobs.two_topics(20)), "train.zip")
    test = jobs.upload(client, tmp_path, zip_bytes(jobs.two_topics(5)), "test.zip")
    client.post(f"/api/v1/datasets/{dataset_id}:import", {"upload_id": train, "test_upload_id": test})
    eventually(lambda: client.get(f"/api/v1/datasets/{dataset_id}")["state"] == "STATE_IMPORTED", timeout=60)
    client.post(f"/api/v1/datasets/{dataset_id}:online")
    algorithm = jobs.preset(client, "text-naive-bayes")
    task = jobs.ended_task(client, jobs.start_task(client, dataset_id, algorithm, train_share=0))
    assert task["state"] == "STATE_FINISHED", task["error"]
    assert task["scores"]["accuracy"] == 1.0
    version = client.post(f"/api/v1/tasks/{task['id']}:publish", {"model_name": "topics"})
    service = jobs.running_service(client, version["id"])
    body = {"instances": [{"inputs": {"text": "银行 利率"}}, {"inputs": {"text": "球队 进球"}}]}
    answer = client.post(f"/api/v1/services/{service['id']}:predict", body)
    assert [prediction["label"] for prediction in answer["predictions"]] == ["money", "sport"]


def test_the_model_can_be_downloaded(client: Client, service: JsonObject, tmp_path: Path) -> None:
    answer = client.http.get(f"/api/v1/modelVersions/{service['model_version_id']}:download")
    (tmp_path / "m.zip").write_bytes(answer.content)
    with zipfile.ZipFile(tmp_path / "m.zip") as archive:
        assert {"model.yaml", "model.onnx"} <= set(archive.namelist())
        assert archive.testzip() is None

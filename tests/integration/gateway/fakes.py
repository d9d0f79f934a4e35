"""Small services behind the gateway, on real gRPC."""
# methods are named as in the proto

import asyncio
import threading
from collections.abc import AsyncIterator

from google.api import httpbody_pb2
from google.protobuf.empty_pb2 import Empty

from protos.dataset.v1 import dataset_pb2
from protos.serving.v1 import serving_pb2
from protos.trainer.v1 import task_pb2
from services.kernel.context import current_caller, current_traceparent
from services.kernel.errors import Conflict, FieldViolation, InvalidArgument, NotFound
from services.kernel.grpc import without_transaction


class Unoffered:
    """Any RPC that a test does not need."""

    def __getattr__(self, name: str) -> object:
        if not name[0].isupper():
            raise AttributeError(name)

        def refuse(_request: object) -> Empty:
            raise NotFound(f"{name} is not part of this fake.")

        return refuse


class FakeDatasets(Unoffered):
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[object] = []
        self.callers: list[str] = []
        self.traces: list[str] = []
        # Of streams with an id of their own; those of other tests may end late, in the middle of the next one.
        self.watched: set[str] = set()
        self.ended: set[str] = set()
        # Kept here: a task that waits for something that nobody else holds is collected as garbage.
        self._never = asyncio.Event()

    def _note(self, request: object) -> None:
        self.requests.append(request)
        self.callers.append(current_caller().user_name)
        self.traces.append(current_traceparent())

    @without_transaction
    def CreateDataset(self, request: dataset_pb2.CreateDatasetRequest) -> dataset_pb2.Dataset:
        self._note(request)
        answer = dataset_pb2.Dataset()
        answer.CopyFrom(request.dataset)
        answer.id, answer.etag = "ds-1", "1"
        answer.state = dataset_pb2.Dataset.STATE_DRAFT
        return answer

    def GetDataset(self, request: dataset_pb2.GetDatasetRequest) -> dataset_pb2.Dataset:
        self._note(request)
        if request.id == "ds-slow":
            threading.Event().wait(5)
        if request.id != "ds-1":
            raise NotFound(f"{request.id} does not exist.", reason="DATASET_NOT_FOUND", metadata={"id": request.id})
        return dataset_pb2.Dataset(id="ds-1", etag="7", problem_count=3)

    def ListDatasets(self, request: dataset_pb2.ListDatasetsRequest) -> dataset_pb2.ListDatasetsResponse:
        self._note(request)
        return dataset_pb2.ListDatasetsResponse(total_size=2**40)

    @without_transaction
    def UpdateDataset(self, request: dataset_pb2.UpdateDatasetRequest) -> dataset_pb2.Dataset:
        self._note(request)
        if request.dataset.etag not in ("", "7"):
            raise Conflict("It was changed meanwhile.", reason="ETAG_MISMATCH")
        return dataset_pb2.Dataset(id=request.id, etag="8")

    @without_transaction
    def DeleteDataset(self, request: dataset_pb2.DeleteDatasetRequest) -> Empty:
        self._note(request)
        return Empty()

    @without_transaction
    def OnlineDataset(self, request: dataset_pb2.OnlineDatasetRequest) -> dataset_pb2.Dataset:
        self._note(request)
        raise InvalidArgument(
            "two things are wrong", violations=[FieldViolation("id", "a"), FieldViolation("etag", "b")]
        )

    async def WatchDataset(self, request: dataset_pb2.WatchDatasetRequest) -> AsyncIterator[dataset_pb2.Dataset]:
        self._note(request)
        if request.id == "ds-none":
            raise NotFound("There is none.", reason="DATASET_NOT_FOUND")
        try:
            for number in range(3):
                yield dataset_pb2.Dataset(id=request.id, etag=str(number))
            if request.id == "ds-breaks":
                raise Conflict("It broke in the middle.", reason="BROKEN")
            if request.id.startswith("ds-forever"):
                self.watched.add(request.id)
                await self._never.wait()
        finally:
            self.ended.add(request.id)


class FakeTasks(Unoffered):
    async def ReadTaskLog(self, request: task_pb2.ReadTaskLogRequest) -> AsyncIterator[httpbody_pb2.HttpBody]:
        if request.id != "task-1":
            raise NotFound("There is no such task.")
        for piece in (b"epoch 1\n", b"\xff\x00 bytes\n", b"x" * 100_000):
            yield httpbody_pb2.HttpBody(content_type="text/plain; charset=utf-8", data=piece)

    async def WatchTaskMetrics(self, request: task_pb2.WatchTaskMetricsRequest) -> AsyncIterator[task_pb2.MetricPoint]:
        for index in range(request.after + 1, 6):
            yield task_pb2.MetricPoint(name="loss", index=index)


class FakeServings(Unoffered):
    """Resolves `svc-1` to the model `m-1` of a Triton at `triton`."""

    def __init__(self, triton_http: str = "", triton_grpc: str = "") -> None:
        self._http = triton_http
        self._grpc = triton_grpc
        self.traffic: list[serving_pb2.TrafficCell] = []

    def ResolveService(self, request: serving_pb2.ResolveServiceRequest) -> serving_pb2.ResolveServiceResponse:
        if request.id != "svc-1":
            raise NotFound(f"{request.id} does not exist or is not visible to you.")
        return serving_pb2.ResolveServiceResponse(triton_model="m-1", triton_grpc=self._grpc, triton_http=self._http)

    def RecordTraffic(self, request: serving_pb2.RecordTrafficRequest) -> Empty:
        assert current_caller().user_name == "gateway"
        self.traffic.extend(request.cells)
        return Empty()

    def Predict(self, request: serving_pb2.PredictRequest) -> serving_pb2.PredictResponse:
        labels = [str(len(instance.inputs["image"])) for instance in request.instances]
        return serving_pb2.PredictResponse(predictions=[serving_pb2.Prediction(label=label) for label in labels])

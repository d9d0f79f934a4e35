"""The gRPC service: message → command → message."""

import asyncio
import threading
from collections.abc import AsyncIterator

from google.api import httpbody_pb2
from google.protobuf.empty_pb2 import Empty

from protos.dataset.v1 import dataset_pb2
from services.dataset import handlers
from services.dataset.bootstrap import SERVICE, build
from services.dataset.config import settings
from services.dataset.domain import Purpose, State
from services.dataset.maintenance import HELD, PATIENCE
from services.dataset.messages import dataset_message
from services.dataset.ports import DatasetFilter, Ports
from services.kernel import wire
from services.kernel.grpc import server
from services.kernel.maintenance import DESCRIPTOR, MaintenanceRpc
from services.kernel.storage.changes import ChangeFeed

_CHANGEABLE = {"name", "description", "visibility", "production_environment"}
_LOOK_AGAIN_S = 15.0
_CHUNK = 512 * 1024


class DatasetRpc:
    """`DatasetService` of the proto."""

    def __init__(self, ports: Ports, feed: ChangeFeed) -> None:
        self._ports = ports
        self._feed = feed

    def CreateDataset(self, request: dataset_pb2.CreateDatasetRequest) -> dataset_pb2.Dataset:
        purpose = request.dataset.purpose
        command = wire.from_message(
            request.dataset, handlers.CreateDataset, purpose=Purpose(purpose.level1, purpose.level2)
        )
        return dataset_message(handlers.create_dataset(command, self._ports))

    def GetDataset(self, request: dataset_pb2.GetDatasetRequest) -> dataset_pb2.Dataset:
        return dataset_message(handlers.get_dataset(request.id, self._ports))

    def ListDatasets(self, request: dataset_pb2.ListDatasetsRequest) -> dataset_pb2.ListDatasetsResponse:
        state = dataset_pb2.Dataset.State.Name(request.state).removeprefix("STATE_").lower() if request.state else ""
        wanted = DatasetFilter(State(state) if state else None, request.online, request.purpose)
        page = handlers.list_datasets(wanted, request.page_size, request.page_token, self._ports)
        return dataset_pb2.ListDatasetsResponse(
            datasets=map(dataset_message, page.items),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    def UpdateDataset(self, request: dataset_pb2.UpdateDatasetRequest) -> dataset_pb2.Dataset:
        change = handlers.DatasetChange()
        wire.apply_mask(change, request.dataset, request.update_mask, allowed=_CHANGEABLE)
        command = handlers.UpdateDataset(request.id, request.dataset.etag, change)
        return dataset_message(handlers.update_dataset(command, self._ports))

    def DeleteDataset(self, request: dataset_pb2.DeleteDatasetRequest) -> Empty:
        handlers.delete_dataset(request.id, request.etag, self._ports)
        return Empty()

    def ImportDataset(self, request: dataset_pb2.ImportDatasetRequest) -> dataset_pb2.Dataset:
        command = wire.from_message(request, handlers.ImportDataset)
        return dataset_message(handlers.import_dataset(command, self._ports))

    def OnlineDataset(self, request: dataset_pb2.OnlineDatasetRequest) -> dataset_pb2.Dataset:
        return dataset_message(handlers.online_dataset(request.id, request.etag, self._ports))

    def OfflineDataset(self, request: dataset_pb2.OfflineDatasetRequest) -> dataset_pb2.Dataset:
        return dataset_message(handlers.offline_dataset(request.id, request.etag, self._ports))

    def ListSamples(self, request: dataset_pb2.ListSamplesRequest) -> dataset_pb2.ListSamplesResponse:
        query = wire.from_message(request, handlers.SampleQuery, dataset_id=request.id)
        page = handlers.list_samples(query, self._ports)
        return dataset_pb2.ListSamplesResponse(
            samples=[wire.to_message(sample, dataset_pb2.Sample) for sample in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def ReadSample(self, request: dataset_pb2.ReadSampleRequest) -> AsyncIterator[httpbody_pb2.HttpBody]:
        kind, content = await asyncio.to_thread(handlers.read_sample, request.id, request.path, self._ports)
        for start in range(0, max(len(content), 1), _CHUNK):
            yield httpbody_pb2.HttpBody(content_type=kind, data=content[start : start + _CHUNK])

    async def WatchDataset(self, request: dataset_pb2.WatchDatasetRequest) -> AsyncIterator[dataset_pb2.Dataset]:
        async with self._feed.subscribe() as changes:
            told: dataset_pb2.Dataset | None = None
            while True:
                now = dataset_message(await asyncio.to_thread(handlers.get_dataset, request.id, self._ports))
                if now != told:
                    yield now
                    told = now
                await changes.wait(_LOOK_AGAIN_S)

    def PrepareTrainingData(self, request: dataset_pb2.PrepareTrainingDataRequest) -> dataset_pb2.TrainingData:
        query = wire.from_message(request, handlers.PrepareTrainingData)
        return wire.to_message(handlers.prepare_training_data(query, self._ports), dataset_pb2.TrainingData)


def run(stop: threading.Event) -> None:
    ports = build(settings())
    feed = ChangeFeed(["datasets"]).start()
    service = dataset_pb2.DESCRIPTOR.services_by_name["DatasetService"]
    kept = MaintenanceRpc(SERVICE, HELD, PATIENCE)
    server.run(SERVICE, settings(), [(DatasetRpc(ports, feed), service), (kept, DESCRIPTOR)], stop)

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymongo import MongoClient

from protos.dataset.v1 import dataset_pb2, dataset_pb2_grpc
from services.kernel.config import KernelSettings
from services.kernel.context import Caller, acting_as
from services.kernel.grpc import client
from services.kernel.ids import new_id
from services.kernel.storage import uploads
from services.kernel.storage.objects import MinioStore
from tests.support.polling import eventually
from tests.support.servers import Servers
from tests.support.service_process import answers, service_process, settings_of

PART = 16 * 2**20


class DatasetClient:
    """What a user does with data sets, over gRPC."""

    def __init__(self, servers: Servers, settings: KernelSettings) -> None:
        self.rpc = dataset_pb2_grpc.DatasetServiceStub(client.connect(settings, "dataset", as_service="test"))
        self.store = MinioStore(settings)
        self.database = MongoClient[dict[str, object]](servers.mongo_uri)["modelyard_dataset"]

    def upload(self, content: bytes, filename: str = "data.zip", owner: str = "ann") -> str:
        upload_id = new_id("up")
        for at in range(0, len(content), PART):
            uploads.put_part(self.store, upload_id, at, content[at : at + PART])
        uploads.complete(self.store, upload_id, owner=owner, filename=filename, size=len(content))
        return upload_id

    def create(
        self,
        level1: str,
        mode: dataset_pb2.Dataset.TestSetMode.ValueType = dataset_pb2.Dataset.TEST_SET_MODE_RATIO,
    ) -> dataset_pb2.Dataset:
        dataset = dataset_pb2.Dataset(name=new_id("set"), format="dir", test_set_mode=mode)
        dataset.purpose.level1, dataset.purpose.level2 = level1, "classification"
        created: dataset_pb2.Dataset = self.rpc.CreateDataset(dataset_pb2.CreateDatasetRequest(dataset=dataset))
        return created

    def start_import(self, dataset_id: str, upload_id: str, test_upload_id: str = "") -> dataset_pb2.Dataset:
        request = dataset_pb2.ImportDatasetRequest(id=dataset_id, upload_id=upload_id, test_upload_id=test_upload_id)
        started: dataset_pb2.Dataset = self.rpc.ImportDataset(request)
        return started

    def get(self, dataset_id: str) -> dataset_pb2.Dataset:
        found: dataset_pb2.Dataset = self.rpc.GetDataset(dataset_pb2.GetDatasetRequest(id=dataset_id))
        return found

    def ended(self, dataset_id: str, timeout: float = 60) -> dataset_pb2.Dataset:
        eventually(lambda: self.get(dataset_id).state != dataset_pb2.Dataset.STATE_IMPORTING, timeout)
        return self.get(dataset_id)

    def events(self, dataset_id: str) -> list[str]:
        """Types of the events of this data set, in order."""
        rows = self.database["outbox"].find({"subject": f"dataset/{dataset_id}"}).sort("sequence")
        return [str(row["type"]) for row in rows]


@pytest.fixture(scope="module")
def datasets(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatasetClient]:
    settings = settings_of(servers)
    log = tmp_path_factory.mktemp("dataset") / "rpc.log"
    with service_process(servers, "dataset", "rpc", "control", log=log):
        answers(settings, "dataset")
        yield DatasetClient(servers, settings)


@pytest.fixture(autouse=True)
def ann() -> Iterator[Caller]:
    with acting_as(Caller("ann", "Ann")) as caller:
        yield caller


@contextmanager
def running_worker(servers: Servers, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with service_process(servers, "dataset", "worker", log=folder / "worker.log") as process:
        yield process


@pytest.fixture
def worker(servers: Servers, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with running_worker(servers, tmp_path) as process:
        yield process

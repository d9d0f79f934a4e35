"""The kernel's server around a small service, in this process, over a database of its own."""

import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import pytest

from protos.dataset.v1 import dataset_pb2, dataset_pb2_grpc
from services.kernel.config import KernelSettings
from services.kernel.context import Caller, acting_as
from services.kernel.grpc import client, server
from services.kernel.storage import mongo
from tests.integration.kernel.grpc.servicer import Datasets
from tests.support.servers import Servers
from tests.support.service_process import answers
from tests.support.settings import kernel_settings_for

SERVICE = dataset_pb2.DESCRIPTOR.services_by_name["DatasetService"]


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return f"127.0.0.1:{found.getsockname()[1]}"


class RunningServer:
    """`server.run` in a thread."""

    def __init__(self, settings: KernelSettings, servicer: Datasets) -> None:
        self._stop = threading.Event()
        registrations = [(servicer, SERVICE)]
        self._thread = threading.Thread(target=server.run, args=("dataset", settings, registrations, self._stop))
        self._thread.start()
        answers(settings, "dataset")

    def stop(self, timeout: float = 10.0) -> None:
        self._stop.set()
        self._thread.join(timeout)
        assert not self._thread.is_alive()


@dataclass(frozen=True)
class Bench:
    """`rpc` calls as the current caller through the kernel's client, `channel` is a bare one."""

    settings: KernelSettings
    datasets: Datasets
    rpc: dataset_pb2_grpc.DatasetServiceStub
    channel: grpc.Channel


@pytest.fixture(scope="module")
def served(servers: Servers) -> Iterator[Bench]:
    settings = kernel_settings_for(servers).model_copy(update={"dataset_grpc": free_address()})
    mongo.connect(settings, f"test{secrets.token_hex(4)}")
    servicer = Datasets()
    running = RunningServer(settings, servicer)
    kernel_channel = client.connect(settings, "dataset", as_service="test")
    with grpc.insecure_channel(settings.dataset_grpc) as channel:
        yield Bench(settings, servicer, dataset_pb2_grpc.DatasetServiceStub(kernel_channel), channel)
    kernel_channel.close()
    running.stop()
    mongo.client().drop_database(mongo.database().name)
    mongo.disconnect()


@pytest.fixture
def bench(served: Bench) -> Bench:
    mongo.database()["effects"].delete_many({})
    served.datasets.closed_by.clear()
    return served


@pytest.fixture(autouse=True)
def ann() -> Iterator[Caller]:
    with acting_as(Caller("ann", "Ann")) as caller:
        yield caller
